/**
 * Finds in the ends of a job's logs what made it fail: among several machines and ranks the first, not what the others
 * raised because of it; and the program's own error, not what its launcher says about it.
 */
import { isCrash, type ProcessEnd, processEnds } from './failure-exit.ts';
import { voicesOf } from './failure-voices.ts';
import { cleanLine, clipped, type Raised, raisedIn, type Traceback } from './traceback.ts';

/** The end of one stream. */
export interface StreamEnd {
  /** Short name: `algo-1`. */
  stream: string;
  text: string;
  /** When each line of the text was written (ms since 1970): as many as it has lines; left out: not known. */
  times?: readonly number[] | undefined;
}

export interface ToldByLogs {
  /** Stream that tells the cause. */
  stream: string;
  /** The program's own, where it raised something. */
  traceback?: Traceback | undefined;
  /** Messages of what was raised, what came first first; then of what was raised because of it. */
  messages: readonly string[];
  /** Lines that belong to no traceback and say a known cause; the last first. After a traceback only what follows it. */
  remarks: readonly string[];
  /** The last frames, for causes that only the place tells. */
  frames: string;
  /** It was raised long before the end: the program went on. */
  stale: boolean;
  /** It was raised because another process died or hung, and which of the two. */
  lost?: 'died' | 'hung' | undefined;
  /** 128 + signal for a signal. Of the process that failed, not of its launcher. */
  exitCode?: number | undefined;
  rank?: number | undefined;
  /** The last lines, without the launcher's own traceback. */
  lastLines: readonly string[];
}

/** Lines after a traceback beyond which the program is taken to have gone on. */
const STILL = 60;
/** Lines of all voices in which an error counts that is no traceback. */
const TAIL = 80;
/** Lines shown where nothing was raised. */
const LAST_LINES = 30;
/** Characters looked at of each stream's end. */
const TEXT_LIMIT = 128 * 1024;

/** Said by those who lost another process of a distributed run. The words of NCCL, gloo and torch.distributed. */
const DIED =
  /NCCL error.{0,400}(?:remote process exited|unhandled system error|unhandled internal error)|ncclRemoteError|ncclSystemError|(?:gloo|c10d|TCPStore|ProcessGroup|NCCL WARN|NET\/).{0,400}(?:connection (?:reset|closed|refused)|Broken pipe|Read error|Write error|failed to recv)|(?:connection (?:reset|closed) by (?:remote )?peer|Broken pipe).{0,400}(?:gloo|c10d|TCPStore|ProcessGroup|NCCL)|DistNetworkError|recvValue failed|Horovod has been shut down|Socket closed.{0,80}coordination service/is;
const HUNG =
  /Watchdog caught collective operation timeout|collective operation timeout|Some NCCL operations have failed or timed out|watchdog got stuck|Timed out waiting \d{1,9}ms for (?:recv|send) operation|(?:store|TCPStore|barrier|monitoredBarrier|Socket|collective).{0,60}(?:timed out|timeout)|Timeout waiting for key|Heartbeat monitor timed out|Missing ranks/i;

interface Told extends ToldByLogs {
  at?: number | undefined;
}

/**
 * @param known whether a line says a cause that has a row of its own
 * @returns undefined without a line
 */
export function toldByLogs(
  ends: readonly StreamEnd[],
  known: (line: string) => boolean,
): ToldByLogs | undefined {
  const all = ends.map((end) => toldByStream(end, known)).filter((told) => told !== undefined);
  // A cause of its own comes before what was lost with it; of those, the first; otherwise whichever spoke last.
  const own = all.filter(({ lost }) => lost === undefined);
  const raised = own.filter((told) => told.traceback !== undefined || isCrash(told.exitCode));
  return (
    earliest(raised.filter(({ stale }) => !stale)) ??
    earliest(own.filter(({ remarks }) => remarks.length > 0)) ??
    earliest(all.filter(({ lost }) => lost !== undefined)) ??
    raised.at(-1) ??
    all.at(-1)
  );
}

function earliest(told: readonly Told[]): Told | undefined {
  return told.reduce<Told | undefined>(
    (first, one) =>
      first === undefined || (one.at ?? Number.POSITIVE_INFINITY) < (first.at ?? Number.POSITIVE_INFINITY)
        ? one
        : first,
    undefined,
  );
}

interface Candidate extends Raised {
  rank?: number | undefined;
  /** Lines of the log at which it begins and ends, and how many of the same voice follow. */
  line: number;
  last: number;
  after: number;
  lost?: 'died' | 'hung' | undefined;
}

/** Some lines of a log, by their indexes; both belong to them. */
interface Lines {
  from: number;
  to: number;
}

const isWithin = (parts: readonly Lines[], line: number): boolean =>
  parts.some(({ from, to }) => line >= from && line <= to);

function toldByStream(
  { stream, text, times }: StreamEnd,
  known: (line: string) => boolean,
): Told | undefined {
  const { lines, whole } = linesOf(text);
  if (lines.every((line) => line.trim() === '')) return undefined;
  const voices = voicesOf(lines);
  const candidates: Candidate[] = [];
  const launched: Lines[] = [];
  for (const { rank, lines: spoken } of voices) {
    const texts = spoken.map((one) => one.text);
    const said = raisedIn(texts);
    for (const raised of said)
      if (raised.launcher)
        launched.push({ from: spoken[raised.start]!.line, to: spoken[raised.end - 1]!.line });
    const script = said.filter(({ launcher }) => !launcher);
    const first = script.filter(({ repeated }) => !repeated);
    const own = first.length > 0 ? first : script;
    // Then follows only what launchers and toolkits print when a process has ended.
    const until = said.find(({ launcher }) => launcher)?.start ?? texts.length;
    for (const raised of own)
      candidates.push({
        ...raised,
        rank,
        line: spoken[raised.start]!.line,
        last: spoken[raised.end - 1]!.line,
        after: Math.max(0, until - raised.end),
        lost: lostBy(raised.messages.join('\n')),
      });
  }
  const ends = processEnds(withoutAll(lines, launched));
  const crash = ends.find(({ code }) => isCrash(code) && !isAbortOfWatchdog(code, lines));
  const end = crash ?? ends.findLast(({ code }) => code !== 0);
  const chosen = choose(candidates, end);
  // A crash reported by a launcher counts more than a peer's complaint about it.
  const raised = chosen?.lost !== undefined && crash !== undefined ? undefined : chosen;
  const tail = errorLines(lines, raised?.last, launched);
  const remarks = tail.filter(({ text: line }) => known(line));
  const complaint = crash === undefined ? tail.find(({ text: line }) => lostBy(line)) : undefined;
  const lost = raised ? raised.lost : remarks.length === 0 && complaint ? lostBy(complaint.text) : undefined;
  const line = raised?.line ?? remarks.at(-1)?.line ?? crash?.line ?? complaint?.line;
  return {
    stream,
    ...(raised ? { traceback: { text: raised.text, exception: raised.exception, ...causeOf(raised) } } : {}),
    messages: raised?.messages ?? [],
    remarks: remarks.map(({ text: remark }) => remark),
    frames: raised?.frames ?? '',
    stale: raised !== undefined && raised.after > STILL,
    ...(lost === undefined ? {} : { lost }),
    exitCode: end?.code,
    rank: rankOf(crash, ends) ?? raised?.rank ?? rankOf(end, ends),
    lastLines: lastLines(lines, whole, launched),
    at: line === undefined ? undefined : times?.[Math.min(whole[line]!, times.length - 1)],
  };
}

/** The same end is reported several times, not always with its rank. */
function rankOf(end: ProcessEnd | undefined, ends: readonly ProcessEnd[]): number | undefined {
  return ends.find(({ code, rank }) => code === end?.code && rank !== undefined)?.rank;
}

const causeOf = ({ cause }: Raised): { cause?: string } => (cause === undefined ? {} : { cause });

/** The lines without colours, and for each the line of the text that it is (part) of. */
export function linesOf(text: string): { lines: string[]; whole: number[] } {
  const from = Math.max(0, text.length - TEXT_LIMIT);
  const lines: string[] = [];
  const whole: number[] = [];
  let line = from === 0 ? 0 : text.slice(0, from).split('\n').length - 1;
  for (const one of text.slice(from).split('\n')) {
    for (const part of one.replace(/\r$/, '').split('\r')) {
      lines.push(cleanLine(part));
      whole.push(line);
    }
    line += 1;
  }
  return { lines, whole };
}

/** For each process the last error raised, or the one that caused it; of those, the first. */
function choose(candidates: readonly Candidate[], end: ProcessEnd | undefined): Candidate | undefined {
  const byRank = new Map<number | undefined, Candidate>();
  for (const candidate of [...candidates].sort((a, b) => a.line - b.line)) {
    const known = byRank.get(candidate.rank);
    // What was raised after it, close by, because a peer was lost, is no better.
    const close = known !== undefined && candidate.start - known.end <= STILL;
    if (known && candidate.lost !== undefined && known.lost === undefined && close) continue;
    byRank.set(candidate.rank, candidate);
  }
  const last = [...byRank.values()].sort((a, b) => a.line - b.line);
  const fresh = last.filter(({ after }) => after <= STILL);
  const pool = fresh.length > 0 ? fresh : last;
  const causes = pool.filter(({ lost }) => lost === undefined);
  const ofFailed = causes.find(({ rank }) => rank !== undefined && rank === end?.rank);
  return ofFailed ?? causes[0] ?? pool[0];
}

/** Whether a message only tells that another process was lost, and how. */
export function lostBy(message: string): 'died' | 'hung' | undefined {
  return HUNG.test(message) ? 'hung' : DIED.test(message) ? 'died' : undefined;
}

/** NCCL's watchdog aborts its process when a collective takes too long: no crash of its own. */
function isAbortOfWatchdog(code: number, lines: readonly string[]): boolean {
  return code === 134 && lines.slice(-4 * TAIL).some((line) => lostBy(line) !== undefined);
}

const SUSPICIOUS =
  /error|exception|fatal|killed|abort|fault|memory|oom|\bnan\b|denied|no (?:space|module|such)\b|cannot|unable|not found|time[d ]?out|terminate|insufficient|exhausted|gated|nccl|peer/i;

/** Lines of the end that speak of an error, after `since`; the last first. */
function errorLines(
  lines: readonly string[],
  since: number | undefined,
  launched: readonly Lines[],
): { line: number; text: string }[] {
  const from = Math.max(lines.length - TAIL, since === undefined ? 0 : since + 1);
  const found: { line: number; text: string }[] = [];
  for (let line = lines.length - 1; line >= from; line -= 1) {
    const text = lines[line]!;
    if (SUSPICIOUS.test(text) && !isWithin(launched, line)) found.push({ line, text });
  }
  return found;
}

function withoutAll(lines: readonly string[], parts: readonly Lines[]): string[] {
  if (parts.length === 0) return [...lines];
  const kept = [...lines];
  // The launcher's frames go; its table, which follows them, stays, and so do the numbers of the lines.
  for (const { from, to } of parts)
    for (let line = from; line <= to; line += 1) if (!/exit|signal/i.test(kept[line]!)) kept[line] = '';
  return kept;
}

function lastLines(
  lines: readonly string[],
  whole: readonly number[],
  launched: readonly Lines[],
): readonly string[] {
  const shown: string[] = [];
  for (let index = lines.length - 1; index >= 0 && shown.length < LAST_LINES; index -= 1)
    if (isSeen({ lines, whole }, index) && !isWithin(launched, index)) shown.push(clipped(lines[index]!));
  return shown.reverse();
}

/** A line of `linesOf` that is not empty, and that nothing after a carriage return has replaced. */
export function isSeen(
  { lines, whole }: { lines: readonly string[]; whole: readonly number[] },
  index: number,
): boolean {
  const overwritten = whole[index + 1] === whole[index] && lines[index + 1] !== '';
  return !overwritten && lines[index]!.trim() !== '';
}
