/**
 * A pod's log as server-sent events: `GET /v2/pods/{id}/logs` (streamPodLogs in RunPod's OpenAPI file). It never ends by
 * itself, has no mark where the past ends, and says nothing when the pod has ended. Frames are written as the live
 * service writes them: `id:`, `data:`, an empty line, LF alone (captured in runpodctl's logs_test.go).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scheduler } from '../aws/scheduler.ts';
import type { Clock } from '../time.ts';
import { formatTime, type LogSource, type PodLine, type PodLog, parseTime } from './pod-log.ts';
import { invalid } from './problem.ts';
import type { RunpodSettings } from './settings.ts';

export interface StreamRequest {
  source?: LogSource;
  tail: number;
  since?: bigint;
  /** Of `Last-Event-ID`: a time, and with `ts/counter` ids the line's number. */
  after?: { time: bigint; line?: number };
}

/** How a stream is to misbehave. */
export interface StreamFault {
  kind: 'stall' | 'cut' | 'close' | 'double' | 'junk';
  /** Until it happens; left out: as soon as the past was sent. */
  seconds?: number;
}

const DEFAULT_TAIL = 100;
const MOST_TAIL = 5_000;
/** Lines that are written in one go. */
const CHUNK = 500;
/** Lines that come again with the fault `double`. */
const DOUBLED = 5;

/** Other query parameters are ignored, as everywhere in RunPod's v2. @throws Problem 422 */
export function streamRequest(request: IncomingMessage, url: URL): StreamRequest {
  const errors: string[] = [];
  const query = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const source = query('source');
  if (source !== undefined && source !== 'container' && source !== 'system') {
    errors.push("source: value must be one of 'container', 'system'");
  }
  const tail = query('tail');
  const count = tail === undefined ? DEFAULT_TAIL : Number(tail);
  if (tail !== undefined && !/^-?\d+$/.test(tail)) errors.push('tail: got string, want integer');
  else if (count < 0) errors.push(`tail: minimum: got ${count}, want 0`);
  else if (count > MOST_TAIL) errors.push(`tail: maximum: got ${count}, want ${MOST_TAIL}`);
  const since = query('since');
  const sinceTime = since === undefined ? undefined : parseTime(since);
  if (since !== undefined && sinceTime === undefined) errors.push(`since: '${since}' is not valid date-time`);
  const id = request.headers['last-event-id'];
  const [time = '', line] = (typeof id === 'string' ? id : '').split('/');
  const after = id === undefined ? undefined : parseTime(time);
  if (id !== undefined && after === undefined) errors.push(`Last-Event-ID: '${id}' is not valid date-time`);
  if (errors.length > 0) throw invalid(errors);
  return {
    ...(source === undefined ? {} : { source: source as LogSource }),
    tail: count,
    ...(sinceTime === undefined ? {} : { since: sinceTime }),
    ...(after === undefined
      ? {}
      : { after: { time: after, ...(line === undefined ? {} : { line: Number(line) }) } }),
  };
}

interface StreamParts {
  clock: Clock;
  scheduler: Scheduler;
  settings: RunpodSettings;
  headers: Readonly<Record<string, string>>;
  fault?: StreamFault;
}

export function streamLog(
  log: PodLog,
  request: StreamRequest,
  response: ServerResponse,
  { clock, scheduler, settings, headers, fault }: StreamParts,
): void {
  const wanted = ({ source }: PodLine): boolean => request.source === undefined || request.source === source;
  const frame = (index: number): string => {
    const { time, source, line } = log.lines[index]!;
    const ts = formatTime(time);
    const id = settings.ids === 'ts' ? ts : `${ts}/${String(index + 1).padStart(12, '0')}`;
    return `id: ${id}\ndata: ${JSON.stringify({ source, line, ts })}\n\n`;
  };
  let next = firstLine(log, request, settings, clock.now(), wanted, fault?.kind === 'double');
  let gone = false;
  let struck = false;
  let stalled = false;
  let writing = false;
  let cancelTimer = (): void => {};
  const strikesAt = fault && fault.kind !== 'double' ? clock.now() + (fault.seconds ?? 0) * 1000 : undefined;

  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  if (settings.headers === 'at once') response.flushHeaders();

  /** @returns whether the fault is over and the stream may go on */
  const strike = (): boolean => {
    if (struck || strikesAt === undefined || clock.now() < strikesAt) return true;
    struck = true;
    if (fault!.kind === 'stall') stalled = true;
    else if (fault!.kind === 'close') response.end();
    else if (fault!.kind === 'junk') {
      response.write('data: {"source":"container","line":"unfinished\n\n: what is this\nevent: ping\n\n');
      return true;
    } else {
      // In the middle of a line: of the next one, or of the last again.
      const whole = frame(Math.min(next, log.lines.length - 1));
      response.write(whole.slice(0, Math.ceil(whole.length * 0.6)), () => response.destroy());
    }
    return false;
  };

  const pump = async (): Promise<void> => {
    if (writing || gone || stalled) return;
    writing = true;
    cancelTimer();
    for (;;) {
      const visible = log.visible(clock.now());
      if (next >= visible) break;
      let text = '';
      for (let count = 0; next < visible && count < CHUNK; next++) {
        if (!wanted(log.lines[next]!)) continue;
        text += frame(next);
        count += 1;
      }
      if (text !== '' && !response.write(text)) await drained(response);
      if (gone) return;
    }
    writing = false;
    if (!strike()) return;
    const upcoming = log.lines[next];
    const dueAt = upcoming && Number(upcoming.time / 1_000_000n);
    const waits = [dueAt, struck ? undefined : strikesAt].filter((at) => at !== undefined);
    if (waits.length > 0) cancelTimer = scheduler.after(Math.max(1, Math.min(...waits) - clock.now()), pump);
  };

  const stopListening = log.listen(() => void pump());
  let cancelKeepAlive = (): void => {};
  const keepAlive = (): void => {
    response.write(': keep-alive\n\n');
    cancelKeepAlive = scheduler.after(settings.keepAliveMs, keepAlive);
  };
  if (settings.keepAliveMs > 0) cancelKeepAlive = scheduler.after(settings.keepAliveMs, keepAlive);
  response.once('close', () => {
    gone = true;
    stopListening();
    cancelTimer();
    cancelKeepAlive();
  });
  void pump();
}

/** `Last-Event-ID` wins over `since`, which wins over `tail`. */
function firstLine(
  log: PodLog,
  { after, since, tail }: StreamRequest,
  { resume }: RunpodSettings,
  now: number,
  wanted: (line: PodLine) => boolean,
  doubled: boolean,
): number {
  if (after !== undefined) {
    const at = after.line ?? log.index(after.time, resume === 'from');
    return Math.max(0, doubled ? at - DOUBLED : at);
  }
  if (since !== undefined) return log.index(since, true);
  let index = log.visible(now);
  for (let left = tail; index > 0 && left > 0; index--) if (wanted(log.lines[index - 1]!)) left -= 1;
  return index;
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
