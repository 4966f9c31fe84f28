/** The last Python traceback of a log, as the end of a training job's log shows it. */

export interface Traceback {
  /** From its first line to the exception, without what a launcher put before each line. */
  text: string;
  /** `ValueError: …`; missing when the log breaks off inside the traceback. */
  exception?: string | undefined;
}

const HEADER = 'Traceback (most recent call last):';
/** Longer ones (deep recursion) keep both ends. */
const LINE_LIMIT = 80;
/** Terminal colours: CSI sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what the sequences begin with
const COLOURS = /\u001b\[[0-9;]{0,20}m/g;

/** @param logEnd the last lines of one stream, newest last */
export function lastTraceback(logEnd: string): Traceback | undefined {
  const lines = logEnd.replace(COLOURS, '').split(/\r\n|\n|\r/);
  const start = lines.findLastIndex((line) => line.includes(HEADER));
  if (start < 0) return undefined;
  // Launchers (MPI, torchrun, docker) write who speaks before every line.
  const prefix = lines[start]!.slice(0, lines[start]!.indexOf(HEADER));
  const strip = (line: string): string => (line.startsWith(prefix) ? line.slice(prefix.length) : line);

  const block = [HEADER];
  let exception: string | undefined;
  for (const raw of lines.slice(start + 1)) {
    const line = strip(raw);
    if (exception === undefined) {
      if (line.trim() === '') continue;
      block.push(line);
      if (!/^\s/.test(line)) exception = line;
    } else if (/^\s+\S/.test(line)) {
      // An exception's message may go on, indented, below it.
      block.push(line);
    } else break;
  }
  return { text: shorten(block).join('\n'), exception };
}

function shorten(block: readonly string[]): string[] {
  if (block.length <= LINE_LIMIT) return [...block];
  const half = LINE_LIMIT / 2;
  const left = block.length - LINE_LIMIT;
  return [...block.slice(0, half), `  … ${left} lines left out …`, ...block.slice(-half)];
}
