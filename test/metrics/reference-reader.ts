/**
 * The metric reader as one would write it first: the whole log as a string, cut into lines, regular expressions on each.
 * It knows nothing of chunks, bytes or lines that repeat; what counts as a metric is decided by the same rules.
 */
import type { RunMetrics } from '../../src/domain/metrics.ts';
import { timeOfLine } from '../../src/metrics/line-time.ts';
import { BATCH, DENIED, EPOCH, NameTable, STEP, UNKNOWN } from '../../src/metrics/names.ts';
import { Reports } from '../../src/metrics/reports.ts';
import { mayBeHeader, mayBeRow, Tables } from '../../src/metrics/tables.ts';
import { BAR, BRACKET, COLON, EQUALS, LEAD, LineTokens, QUOTED, SPACE } from '../../src/metrics/tokens.ts';
import { PHASES, QUALIFIERS } from '../../src/metrics/vocabulary.ts';

const NUMBER =
  '[+-]?(?:(?:\\d+(?:\\.\\d+|\\.(?!\\.))?|\\.\\d+)(?:[eEdD][+-]?\\d+)?|[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)';
const END = '(?=$|[ \\t;|)\\]}\'"%#(<>\\\\\\xe2]|,(?!\\d)|:(?![\\d\\t])|\\.(?:[ \\t]|$))';
const VALUE = new RegExp(`(${NUMBER})`, 'y');
const TOTAL = / {0,2}\/ {0,16}(\d+)| of (\d+)/y;
const LETTER = '[A-Za-z_\\x80-\\xff]';
const NAME = /(?:[A-Za-z0-9_./@\-+'&]|[\xc0-\xe1\xe3-\xef][\x80-\xbf]{0,3})+$/;

const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);
const NEXT = `[^${ESC}]?`;
const ESCAPES = new RegExp(
  `${ESC}(?:\\[[ -?]*${NEXT}|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[()]${NEXT}|${NEXT})`,
  'g',
);
const CURSOR_UP = new RegExp(`${ESC}\\[[ -?]*A`);

interface Found {
  value: number;
  fraction: boolean;
  total: number;
  /** Behind the number alone, and behind all of it. */
  numberEnd: number;
  end: number;
  fits: boolean;
}

/** A number at a place of the line. */
function numberAt(line: string, at: number): Found | undefined {
  VALUE.lastIndex = at;
  const match = VALUE.exec(line);
  if (!match) return undefined;
  const text = match[1]!.toLowerCase();
  const bare = text.replace(/^[+-]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  const value = bare.startsWith('n')
    ? Number.NaN
    : bare.startsWith('i')
      ? sign * Number.POSITIVE_INFINITY
      : sign * Number(bare.replace('d', 'e'));
  const fraction = !/^\d+$/.test(bare);
  const numberEnd = VALUE.lastIndex;
  let end = numberEnd;
  let total = Number.NaN;
  TOTAL.lastIndex = end;
  const of = fraction ? null : TOTAL.exec(line);
  if (of) {
    total = [...(of[1] ?? of[2]!)].reduce((sum, digit) => sum * 10 + Number(digit), 0);
    end = TOTAL.lastIndex;
  }
  const behind = new RegExp(END, 'y');
  behind.lastIndex = end;
  return { value, fraction, total, numberEnd, end, fits: behind.test(line) };
}

/** The bare name at the end of a text, as its beginning. */
function nameStart(text: string): number | undefined {
  let rest = text;
  const closed = /(?:\([^()\s]*\)|\[[^[\]\s]*\])$/.exec(text);
  if (/[)\]]$/.test(text)) {
    if (!closed) return undefined;
    rest = text.slice(0, closed.index);
  }
  let start = rest.length - (NAME.exec(rest)?.[0].length ?? 0);
  if (start === text.length) return undefined;
  if (text.length - start >= 65 && text.length > 65) return undefined;
  if (closed && text.length - closed.index > 65) return undefined;
  if (text[start] === "'") start++;
  if (text[start - 1] === '#' && text.startsWith('011', start)) start += 3;
  if (start >= text.length || !new RegExp(LETTER).test(text[start]!)) return undefined;
  for (let time = 0; time < 2; time++) {
    const word = /([A-Za-z_\x80-\xff.'0-9]+) $/.exec(text.slice(0, start));
    if (!word || !new RegExp(`^${LETTER}`).test(word[1]!) || word[1]!.length > 14) break;
    if (word.index > 0 && !/[ \t[|(:]/.test(text[word.index - 1]!)) break;
    const qualifies =
      word[1]!.endsWith("'s") || (word[1]!.length <= 12 && QUALIFIERS.has(word[1]!.toLowerCase()));
    if (!qualifies) break;
    start = word.index;
  }
  return start;
}

function scan(line: string, names: NameTable, tokens: LineTokens): void {
  tokens.clear();
  const intern = (from: number, to: number): number =>
    names.intern(Buffer.from(line.slice(from, to), 'latin1'), 0, to - from);
  const phase = (to: number): void => {
    if (tokens.count > 0) return;
    for (const match of line.slice(0, to).matchAll(/(^|[ \t[])([A-Za-z_\x80-\xff]+)/g)) {
      const end = match.index + match[0].length;
      if (end < to && /[ \t:\]]/.test(line[end]!) && PHASES.has(match[2]!.toLowerCase())) {
        tokens.phase = match[2]!;
        return;
      }
    }
  };

  const separator = (at: number): number => {
    const [lead] = /^[ \t]{0,16}/.exec(line.slice(at + 1))!;
    let p = at + 1 + lead.length;
    const quote = line[p] === '"' || line[p] === "'" ? line[p] : undefined;
    if (quote) p++;
    const call = /^(?:tensor\(|np\.float(?:64|32|16)\()/.exec(line.slice(p))?.[0] ?? '';
    p += call.length;
    const number = numberAt(line, p);
    if (!number?.fits) return at + 1;
    if (quote && line[number.end] !== quote) return at + 1;
    const before = line.slice(0, at).replace(/[ \t]{1,2}$/, '');
    const e = before.length;
    if (e === 0) return at + 1;
    const { value, total, fraction } = number;
    if (/["']$/.test(before)) {
      const close = before.at(-1)!;
      const inner = before.slice(0, -1).replace(/\\$/, '');
      const s = inner.lastIndexOf(close) + 1;
      if (s > 0 && s < inner.length && inner.length - s <= 64)
        tokens.add(intern(s, inner.length), QUOTED, value, total, fraction);
      else if (s === inner.length || s === 0 || inner.length - s > 64) return number.end;
      return number.end;
    }
    if (quote) return at + 1;
    const s = nameStart(before);
    if (s === undefined) return at + 1;
    const id = intern(s, e);
    const kind = names.kind(id);
    const form = line[at] === '=' ? EQUALS : COLON;
    if (line[s - 1] === '=' || (line[s - 1] === ':' && form === COLON && kind >= UNKNOWN)) return number.end;
    if (kind === DENIED) return number.end;
    phase(s);
    tokens.add(id, form, value, total, fraction);
    return number.end;
  };

  const bare = (from: number, digit: number): number => {
    const number = numberAt(line, from);
    if (!number) return digit + 1;
    const { value, total, fraction, end } = number;
    const before = line.slice(Math.max(0, from - 16), from);
    const r = from - /[ \t]*$/.exec(before)![0].length;
    if (!number.fits) {
      // A total that nothing fits behind is none.
      if (!fraction && from === digit && /^:\t/.test(line.slice(number.numberEnd)))
        tokens.add(LEAD, SPACE, value, Number.NaN, false);
      return digit + 1;
    }
    const left = line.slice(0, r);
    if (left.endsWith('[')) {
      if (fraction) return end;
      const outside = left
        .slice(0, -1)
        .replace(/[ \t]*$/, '')
        .replace(/[:=]$/, '');
      const named = /[:=]$/.test(left.slice(0, -1).replace(/[ \t]*$/, ''))
        ? outside.replace(/[ \t]*$/, '')
        : outside;
      if (/[A-Za-z0-9_./@\-+'&\x80-\xff]$/.test(named)) {
        const s = nameStart(named);
        if (s !== undefined) {
          const id = intern(s, named.length);
          const kind = names.kind(id);
          if (kind === STEP || kind === EPOCH || (kind === BATCH && !Number.isNaN(total))) {
            tokens.add(id, SPACE, value, total, false);
            return end;
          }
        }
      }
      if (!Number.isNaN(total) || /^\](?:\t|#011)/.test(line.slice(end)))
        tokens.add(BRACKET, SPACE, value, total, false);
      return end;
    }
    const named = left.replace(/(?:\||\xe2\x94[\x82\x83])$/, '');
    const word = named === left ? left : named.replace(/[ \t]*$/, '');
    if (/[A-Za-z0-9_./@\-+'&\x80-\xff)\]]$/.test(word)) {
      const s = nameStart(word);
      if (s !== undefined) {
        const id = intern(s, word.length);
        const kind = names.kind(id);
        if (kind !== UNKNOWN && kind !== DENIED && line[s - 1] !== '=') {
          phase(s);
          tokens.add(id, SPACE, value, total, fraction);
          return end;
        }
      }
    }
    if (!Number.isNaN(total) && /^ [[\xe2]/.test(line.slice(end)))
      tokens.add(BAR, SPACE, value, total, false);
    return end;
  };

  let i = 0;
  while (i < line.length) {
    const rest = line.slice(i);
    const back = line.slice(0, i);
    if (/^[=:]/.test(rest)) i = separator(i);
    else if (/^\d/.test(rest)) {
      if (/(?:^|[ [\t])$/.test(back)) i = bare(i, i);
      else if (/[ \t](?:[+-]?\.|[+-])$/.test(back)) i = bare(i - /[+-]?\.?$/.exec(back)![0].length, i);
      else i++;
      i += /^\d*/.exec(line.slice(i))![0].length;
    } else if (/^[nNiI]/.test(rest)) {
      if (/(?:^|[ \t])$/.test(back)) i = bare(i, i);
      else if (/[ \t][+-]$/.test(back)) i = bare(i - 1, i);
      else i++;
    } else i++;
  }
}

export function readMetricsSimply(log: Uint8Array): RunMetrics {
  const names = new NameTable();
  const reports = new Reports(names);
  const tables = new Tables();
  const tokens = new LineTokens();
  const text = Buffer.from(log).toString('latin1');
  const lines = text.split('\n');
  const isComplete = lines.at(-1) === '';
  if (isComplete) lines.pop();
  let redraws = false;
  for (const whole of lines) {
    const parts = whole.split(/[\r\b]/);
    for (const [at, part] of parts.entries()) {
      const cut = part.slice(0, 4096);
      const line = cut.replace(ESCAPES, '');
      const goesUp = CURSOR_UP.test(cut);
      const follows = redraws ? 'redraw' : 'line';
      redraws = at < parts.length - 1 || goesUp;
      if (line === '') continue;
      const bytes = Buffer.from(line, 'latin1');
      const time = (): number => timeOfLine(bytes, 0, bytes.length);
      names.makeRoom(2048);
      scan(line, names, tokens);
      if (tables.open && mayBeRow(bytes, 0, bytes.length)) {
        const row = tables.row(bytes.toString('utf8'));
        if (row) {
          reports.row(row, follows, [], time);
          continue;
        }
      }
      if (mayBeHeader(bytes, 0, bytes.length, tokens)) tables.header(bytes.toString('utf8'));
      if (tokens.count > 0) reports.line(tokens, reports.plan(tokens), follows, [], time);
    }
  }
  return reports.end(lines.length);
}
