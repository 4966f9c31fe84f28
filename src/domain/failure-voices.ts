/**
 * Which process printed which line: launchers put the rank before each line, and the lines of several processes
 * are mixed. A traceback can only be read once the lines of each process are together.
 */

export interface Voice {
  /** Missing: lines without a name before them. */
  rank?: number | undefined;
  /** Without their prefix, and where they are in the log. */
  lines: readonly { text: string; line: number }[];
}

/**
 * mpirun's, also as SageMaker writes it: `[1,0]<stderr>:`, `[1,mpirank:0,algo-1]<stderr>:`. It stands before each
 * write, not before each line: a line that is printed in parts has it several times.
 */
const MPI = /\[\d{1,6},(?:mpirank:)?(\d{1,7})(?:,[^\]\s]{1,80})?\]<(stdout|stderr|stddiag)>:/g;
/** PyTorch's before what is raised (`[rank0]: `), torchrun's with --tee (`[default0]:`). */
const TORCH = /^\[(rank|default|trainer|worker)(\d{1,7})\]:( ?)/;
/** Ray's: `(RayTrainWorker pid=4021, ip=10.0.0.7) `. */
const RAY = /^\((?:[A-Za-z_][\w.:<>]{0,80} )?pid=(\d{1,9})(?:, [^()]{1,80})?\) ?/;
const HEADER = 'Traceback (most recent call last):';
/** A time in a prefix differs from line to line. */
const TIME = /\d{4}-\d\d-\d\d|\d{1,2}:\d\d:\d\d(?:\\?[.,]\d{1,9})?/g;
/** Lines after a header within which one with the same prefix shows that it is one. */
const LOOK_AHEAD = 12;
const PREFIX_LIMIT = 120;
const PREFIXES_LIMIT = 64;

/** @param lines without colours */
export function voicesOf(lines: readonly string[]): Voice[] {
  const voices = new Map<string, { rank?: number | undefined; lines: { text: string; line: number }[] }>();
  const prefixes = constantPrefixes(lines);
  for (const [line, whole] of lines.entries()) {
    const { key, rank, text } = spoken(whole, prefixes);
    let voice = voices.get(key);
    if (!voice) {
      voice = { rank, lines: [] };
      voices.set(key, voice);
    }
    voice.lines.push({ text, line });
  }
  return [...voices.values()];
}

function spoken(
  line: string,
  prefixes: readonly RegExp[],
): { key: string; rank?: number | undefined; text: string } {
  if (line.startsWith('[') || line.includes(']<std')) {
    MPI.lastIndex = 0;
    const mpi = MPI.exec(line);
    if (mpi) {
      const text = line.slice(0, mpi.index) + line.slice(mpi.index).replaceAll(MPI, '');
      return { key: `mpi ${mpi[1]} ${mpi[2]}`, rank: Number(mpi[1]), text };
    }
    const torch = TORCH.exec(line);
    if (torch) {
      const text = line.slice(torch[0].length);
      return {
        key: `torch ${torch[2]}`,
        rank: Number(torch[2]),
        text: torch[1] === 'rank' ? text : torch[3] + text,
      };
    }
  }
  const ray = line.startsWith('(') ? RAY.exec(line) : null;
  if (ray) return { key: `ray ${ray[1]}`, text: line.slice(ray[0].length) };
  for (const [index, prefix] of prefixes.entries()) {
    const found = prefix.exec(line);
    if (found) return { key: `prefix ${index}`, text: line.slice(found[0].length) };
  }
  return { key: '', text: line };
}

/** What stands before the headers of tracebacks, and before the lines that follow: `algo-1-x7_1  | `, a time. */
function constantPrefixes(lines: readonly string[]): RegExp[] {
  const prefixes = new Map<string, RegExp>();
  for (const [index, line] of lines.entries()) {
    if (prefixes.size >= PREFIXES_LIMIT) break;
    const at = line.indexOf(HEADER);
    if (at < 1 || at > PREFIX_LIMIT || line.slice(0, at).trim() === '') continue;
    const before = line.slice(0, at);
    if (/^\s{0,8}[|+│╭]|^\[|^\(|traceback : $/.test(before)) continue;
    const shape = escaped(before).replace(TIME, (time) => time.replace(/\d/g, '\\d'));
    if (prefixes.has(shape)) continue;
    const pattern = new RegExp(`^${shape}`);
    const next = lines.slice(index + 1, index + 1 + LOOK_AHEAD);
    if (next.some((after) => pattern.test(after))) prefixes.set(shape, pattern);
  }
  return [...prefixes.values()];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
