/**
 * Python's tracebacks in the lines of one process: plain, chained, of exception groups (3.11), in rich's boxes;
 * and what ends a process without one: a syntax error, a fatal error of the interpreter, C++'s terminate.
 * Everything here takes time in proportion to the lines, whatever they hold.
 */
import { bareText } from '../terminal/bare-text.ts';

export interface Traceback {
  /** As printed, without what a launcher put before each line; a long one with both ends. */
  text: string;
  /** `ValueError: …`, of what ended the process; missing when the log breaks off inside the traceback. */
  exception?: string | undefined;
  /** The first of a chain, where `exception` was raised because of it. */
  cause?: string | undefined;
}

/** One traceback, or a chain of them. */
export interface Raised extends Traceback {
  /** Indexes of its first line, and of the one after its last. */
  start: number;
  end: number;
  /** Messages of its exceptions, what came first first; with their further lines. */
  messages: readonly string[];
  /** Its last frames, for what only the place tells. */
  frames: string;
  /** Printed by what launched the process that failed. */
  launcher: boolean;
  /** A launcher's report repeats it. */
  repeated: boolean;
}

const HEADER = 'Traceback (most recent call last):';
/** Longer ones (deep recursion) keep both ends. */
const LINE_LIMIT = 80;
/** Of each part of a chain: what is shown of it all must fit one message. */
const PART_LIMIT = 18;
/** Lines of an exception's message below its first. */
const MESSAGE_LINES = 12;
/** Lines of other threads that may stand inside of a traceback. */
const FOREIGN_LINES = 20;
const MESSAGES_LIMIT = 50;
const CONNECTORS = [
  'The above exception was the direct cause of the following exception:',
  'During handling of the above exception, another exception occurred:',
];

const BOX_TOP = /^\W{0,8}?[╭┌+][─━ -]{0,200}Traceback \(most recent call last\)/;
const BOX_LINE = /^\s{0,8}[│|┃](.*?)[│|┃]?\s*$/;
const BOX_BOTTOM = /^\s{0,8}[╰└+][─━-]{3,}/;
const GROUP_TOP = /^\s{0,200}\+ Exception Group Traceback \(most recent call last\):/;
const GROUP_LINE = /^\s{0,200}(?:\||\+-|\+ )/;
/** torchrun's table shows the traceback of the error file, indented. */
const REPEATED = /^ {2}traceback : $/;
const SYNTAX = /^(?:SyntaxError|IndentationError|TabError): /;
const FATAL = /^Fatal Python error: \S/;
const TERMINATE =
  /^terminate called (?:after throwing an instance of|without an active exception|recursively)/;
const EXCEPTION = /^[A-Za-z_][\w.]{0,200}(?:<locals>[\w.]{1,100})?(?::\s|:?$)/;
/** Launchers report a failed child with a traceback of their own. */
const LAUNCHER = /\b(?:ChildFailedError|ExecuteUserScriptError|ProcessExitedException)\b/;
const LAUNCHER_FRAME =
  /[\\/](?:torch[\\/]distributed[\\/](?:run|launch|launcher[\\/]api)|accelerate[\\/]commands[\\/]launch|sagemaker_(?:training|containers)[\\/](?:\w+)|deepspeed[\\/]launcher[\\/]\w+)\.py/;

/** Whether a line names an exception as Python ends a traceback, with its message: `ValueError: …`. */
export function isException(line: string): boolean {
  return /^[A-Za-z_][\w.]{0,200}(?:Error|Exception|Exit|Interrupt|Warning|Fault)(?::\s|:?$)/.test(line);
}

/** @param logEnd the last lines of one process, newest last */
export function lastTraceback(logEnd: string): Traceback | undefined {
  const raised = raisedIn(cleanLines(logEnd)).at(-1);
  if (!raised) return undefined;
  const { text, exception, cause } = raised;
  return { text, exception, ...(cause === undefined ? {} : { cause }) };
}

/** Characters of a line that are looked at: both ends of longer ones. */
const LINE_CHARACTERS = 2_000;
/** The lines of a log without colours; what a progress bar overwrote counts as lines of its own. */
export function cleanLines(log: string): string[] {
  return log.split(/\r\n|\n|\r/).map(cleanLine);
}

/** PyTorch's data loader prints the zero byte that ends its C strings: in front of the next line. */
export function cleanLine(line: string): string {
  const short =
    line.length <= LINE_CHARACTERS
      ? line
      : `${line.slice(0, LINE_CHARACTERS / 2)} … ${line.slice(-LINE_CHARACTERS / 2)}`;
  return short.includes('\u001b') || short.includes('\0') ? bareText(short) : short;
}

/** What was raised in the lines of one process, in its order. */
export function raisedIn(lines: readonly string[]): Raised[] {
  const all: Raised[] = [];
  let chain: Part[] = [];
  const close = (): void => {
    if (chain.length > 0) all.push(joined(chain));
    chain = [];
  };
  let at = 0;
  let linked = false;
  while (at < lines.length) {
    const part = partAt(lines, at);
    if (!part) {
      at += 1;
      continue;
    }
    if (!linked) close();
    chain.push(part);
    const next = afterConnector(lines, part.end);
    linked = next !== undefined;
    at = Math.max(next ?? part.end, at + 1);
  }
  close();
  return all;
}

/** One traceback of a chain. */
interface Part {
  start: number;
  end: number;
  lines: readonly string[];
  messages: readonly string[];
  repeated?: boolean;
}

function partAt(lines: readonly string[], at: number): Part | undefined {
  const line = lines[at]!;
  if (line.includes('Traceback (most recent call last)')) {
    if (GROUP_TOP.test(line)) return groupAt(lines, at);
    if (BOX_TOP.test(line)) return boxAt(lines, at);
    return line.includes(HEADER) ? plainAt(lines, at) : undefined;
  }
  if (SYNTAX.test(line)) return syntaxAt(lines, at);
  if (FATAL.test(line)) return fatalAt(lines, at);
  return TERMINATE.test(line) ? terminateAt(lines, at) : undefined;
}

function plainAt(lines: readonly string[], start: number): Part {
  const before = lines[start]!.slice(0, lines[start]!.indexOf(HEADER));
  const indented = REPEATED.test(before);
  const strip = (line: string): string => {
    if (indented) return line.startsWith('  ') ? line.slice(2) : line;
    return before !== '' && line.startsWith(before) ? line.slice(before.length) : line;
  };
  const block = [HEADER];
  let foreign = 0;
  let at = start + 1;
  for (; at < lines.length; at += 1) {
    const line = strip(lines[at]!);
    if (line.includes(HEADER)) break;
    if (line.trim() === '') continue;
    // Loguru marks the frame that caught it.
    if (/^(?:\s|> File ")/.test(line)) {
      block.push(line);
      continue;
    }
    if (EXCEPTION.test(line) && !isLogLine(line))
      return { ...withMessage(lines, start, at, block, strip), repeated: indented };
    foreign += 1;
    if (foreign > FOREIGN_LINES) break;
  }
  // The log breaks off, or it was no traceback.
  return { start, end: at, lines: block, messages: [] };
}

/** The exception that ends a traceback, with the further lines of its message. */
function withMessage(
  lines: readonly string[],
  start: number,
  at: number,
  block: readonly string[],
  strip: (line: string) => string = (line) => line,
): Part {
  const first = strip(lines[at]!);
  const message = [first];
  let end = at + 1;
  while (end < lines.length && message.length <= MESSAGE_LINES) {
    const line = strip(lines[end]!);
    if (line.trim() === '' || isLogLine(line)) break;
    if (line.includes('raceback (most recent call last)') || CONNECTORS.includes(line)) break;
    if (/^("""|'''|[=-]{8,}|-- Process \d+ )/.test(line) || BOX_TOP.test(line)) break;
    message.push(line);
    end += 1;
  }
  return { start, end, lines: [...block, ...message], messages: [message.join('\n')] };
}

/** What programs log between and after tracebacks, and progress bars. */
function isLogLine(line: string): boolean {
  return (
    /^(?:\[|\(|\d{4}-\d\d-\d\d|\d{1,2}[:/]\d\d|[EWIF]\d{4} |(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL|TRACE)\b)/.test(
      line,
    ) || /\d{1,3}%\|/.test(line)
  );
}

function groupAt(lines: readonly string[], start: number): Part {
  let end = start + 1;
  // A message of several lines loses the margin after its first, so look a little further.
  for (let at = end; at < lines.length && at <= end + FOREIGN_LINES; at += 1)
    if (GROUP_LINE.test(lines[at]!)) end = at + 1;
  const block = lines
    .slice(start, end)
    .filter((line) => line.trim() !== '' && !/^[\s|]*[~^][\s~^]*$/.test(line));
  const leaves: string[] = [];
  const groups: string[] = [];
  for (const line of block) {
    const own = /^\s{0,200}\| (.*)$/.exec(line)?.[1];
    if (own === undefined || !EXCEPTION.test(own) || own.includes(HEADER)) continue;
    if (/\(\d{1,9} sub-exceptions?\)$/.test(own)) groups.push(own);
    else if (leaves.length < MESSAGES_LIMIT) leaves.push(own);
  }
  const margin = /^\s*/.exec(block[0] ?? '')![0].length;
  return {
    start,
    end,
    lines: block.map((line) => (line.slice(0, margin).trim() === '' ? line.slice(margin) : line)),
    messages: leaves.length > 0 ? leaves : groups.slice(0, 1),
  };
}

function boxAt(lines: readonly string[], start: number): Part {
  const block = [HEADER];
  let at = start + 1;
  for (; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (BOX_BOTTOM.test(line)) {
      at += 1;
      break;
    }
    const inside = BOX_LINE.exec(line)?.[1];
    if (inside === undefined) break;
    if (inside.trim() !== '') block.push(inside.trimEnd());
  }
  const line = lines[at];
  if (line === undefined || !EXCEPTION.test(line)) return { start, end: at, lines: block, messages: [] };
  return withMessage(lines, start, at, block);
}

/** A script that cannot be read has no traceback: the place, the line, and the error. */
function syntaxAt(lines: readonly string[], at: number): Part {
  let start = at;
  for (let back = 1; back <= 4 && at - back >= 0; back += 1)
    if (/^\s{1,4}File "/.test(lines[at - back]!)) start = at - back;
  return withMessage(lines, start, at, lines.slice(start, at));
}

function fatalAt(lines: readonly string[], start: number): Part {
  let end = start + 1;
  while (
    end < lines.length &&
    end - start < LINE_LIMIT &&
    /^(?:\s*$|\s+File "|(?:Current )?[Tt]hread 0x|\s+\.\.\.$|Python runtime state|Extension modules)/.test(
      lines[end]!,
    )
  )
    end += 1;
  const block = lines.slice(start, end).filter((line) => line.trim() !== '');
  return { start, end, lines: block, messages: [block[0]!] };
}

function terminateAt(lines: readonly string[], start: number): Part {
  let end = start + 1;
  if (/^\s+what\(\):/.test(lines[end] ?? '')) {
    end += 1;
    while (
      end < lines.length &&
      end - start <= MESSAGE_LINES &&
      !isLogLine(lines[end]!) &&
      lines[end]!.trim() !== ''
    )
      end += 1;
  }
  const block = lines.slice(start, end);
  return { start, end, lines: block, messages: [block.join('\n')] };
}

/** Where the next of the chain begins, if this one was only its cause. */
function afterConnector(lines: readonly string[], end: number): number | undefined {
  let at = end;
  // A process pool quotes what its worker raised.
  while (at < lines.length && at < end + 4 && /^(?:\s*|"""|''')$/.test(lines[at]!)) at += 1;
  if (!CONNECTORS.includes(lines[at]?.trim() ?? '')) return undefined;
  at += 1;
  while (at < lines.length && at < end + 8 && lines[at]!.trim() === '') at += 1;
  return at < lines.length && partAt(lines, at) ? at : undefined;
}

function joined(parts: readonly Part[]): Raised {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const messages = parts.flatMap((part) => part.messages).slice(0, MESSAGES_LIMIT);
  const frames = parts.flatMap(({ lines }) => lines.slice(-8)).join('\n');
  const exception = firstLine(last.messages[0]);
  const cause = parts.length > 1 ? firstLine(first.messages[0]) : undefined;
  const between = parts.length - 2;
  const text =
    parts.length === 1
      ? shorten(first.lines, LINE_LIMIT)
      : [
          ...shorten(first.lines, PART_LIMIT),
          ...(between > 0 ? [`… ${between} more raised because of it …`] : ['… which led to:']),
          ...shorten(last.lines, PART_LIMIT),
        ];
  const launcher =
    LAUNCHER.test(exception ?? '') ||
    (/\bCalledProcessError\b/.test(exception ?? '') && LAUNCHER_FRAME.test(last.lines.join('\n')));
  return {
    start: first.start,
    end: last.end,
    text: text.join('\n'),
    exception,
    ...(cause === undefined || cause === exception ? {} : { cause }),
    messages,
    frames,
    launcher,
    repeated: first.repeated ?? false,
  };
}

const firstLine = (message: string | undefined): string | undefined => message?.split('\n', 1)[0];

function shorten(block: readonly string[], limit: number): string[] {
  if (block.length <= limit) return block.map(clipped);
  // The markers under a line are the first to be dropped.
  const plain = block.filter((line) => !/^[\s|]*[~^][\s~^]*$/.test(line));
  if (plain.length <= limit) return plain.map(clipped);
  const half = Math.floor(limit / 2);
  const left = plain.length - 2 * half;
  return [...plain.slice(0, half), `  … ${left} lines left out …`, ...plain.slice(-half)].map(clipped);
}

/** Characters of a line that are shown; both ends of longer ones. */
const SHOWN_CHARACTERS = 400;

/** A line as it is shown: of a very long one both ends. */
export function clipped(line: string): string {
  if (line.length <= SHOWN_CHARACTERS) return line;
  return `${line.slice(0, SHOWN_CHARACTERS / 2)} … ${line.slice(-SHOWN_CHARACTERS / 2)}`;
}
