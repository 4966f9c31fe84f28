import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { Straight } from '../../src/metrics/straight.ts';

const GROUPS = ['value', 'name', 'step'] as const;

/** What is found of one line after another: each match's groups. */
function throughBytes(straight: Straight, line: string): string[][] | undefined {
  const bytes = Buffer.from(`before${line}behind`);
  const [start, end] = [6, bytes.length - 6];
  const found: string[][] = [];
  straight.begin(start, end);
  let from = start;
  while (from < end) {
    from = straight.find(bytes, start, from, end);
    if (from < 0) break;
    found.push(
      GROUPS.map((name) => {
        const group = straight.group(name);
        return group ? bytes.toString('utf8', straight.from(group), straight.to(group)) : '';
      }),
    );
  }
  return straight.gaveUp ? undefined : found;
}

function throughRe2(pattern: string, line: string): string[][] {
  const re2 = RE2JS.compile(pattern);
  const known = re2.namedGroups();
  const matcher = re2.matcher(line);
  const found: string[][] = [];
  while (matcher.find()) found.push(GROUPS.map((name) => (name in known ? (matcher.group(name) ?? '') : '')));
  return found;
}

const ATOMS = [
  ...['a', 'b', 'ab', ' ', '=', ': ', 'ö', '\\.', '\\[', '\\d', '\\w', '\\s', '\\S', '\\D', '\\W', '.'],
  ...[
    '[ab]',
    '[^a]',
    '[^ab ]',
    '[\\d.]',
    '[a-c]',
    '[-+]',
    '[+-]',
    '[\\w.-]',
    '[^\\s]',
    '[\\S]',
    '\\t',
    '[b^]',
  ],
];
const atom = fc
  .tuple(fc.constantFrom(...ATOMS), fc.constantFrom('', '', '', '?', '*', '+', '+'))
  .map(([one, times]) => one + times);
const some = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join(''));
/** As people write them: words, and what is looked for between them. */
const plain = fc
  .tuple(
    fc.constantFrom('', '^', 'a', 'a b ', 'ö ', '\\d+: ', '[^=]*=', '(?:b) ?'),
    fc.constantFrom('[\\d.]+', '\\w+', '\\S+', '[^ ]*', '-?\\d*', '[a-c1]+', '\\d'),
    fc.constantFrom(' ', '=', ': ', ' ?=', ' \\[', '\\s+', ' (b) '),
    fc.constantFrom('\\w*', '[^,]+', '\\S+', '.+', '\\D+'),
    fc.constantFrom('', '', '$', '\\t', ','),
  )
  .map(([from, value, between, name, to]) => `${from}(?P<value>${value})${between}(?<name>${name})${to}`);
const any = fc
  .tuple(fc.constantFrom('', '', '^'), some, some, some, some, fc.constantFrom('', '', '$', '(?:a)', '(b)'))
  .map(([from, a, value, b, name, to]) => `${from}${a}(?P<value>${value})${b}(?<name>${name})${to}`);
const pattern = fc.oneof(any, plain);
const scraps = fc
  .array(
    fc.constantFrom('a', 'b', 'c', 'ab', 'ö', '🚀', ' ', '.', '1', '23', '=', ': ', '-', '[', '^', '\t'),
    {
      maxLength: 16,
    },
  )
  .map((parts) => parts.join(''));
const said = fc
  .array(
    fc.tuple(
      fc.constantFrom('', 'a', 'a b ', 'ö ', '12: ', 'x=', 'b ', '1: ', '='),
      fc.constantFrom('1.5', '12', '-3', 'ab1', 'ö', 'x', ''),
      fc.constantFrom(' ', '=', ': ', ' =', ' [', ' \t ', ' b '),
      fc.constantFrom('word', 'größe', '🚀 .', 'a,b', '-', ''),
      fc.constantFrom('', ',', '\t', ' '),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => all.map((parts) => parts.join('')).join(''));
const line = fc.oneof(scraps, { weight: 2, arbitrary: said });

describe('an expression that leads straight through the bytes', () => {
  it('finds what RE2 finds, as often and with the same groups', () => {
    let compared = 0;
    let matches = 0;
    fc.assert(
      fc.property(pattern, fc.array(line, { minLength: 1, maxLength: 8 }), (expression, lines) => {
        const straight = Straight.of(expression);
        if (!straight) return;
        for (const one of lines) {
          const found = throughRe2(expression, one);
          expect(throughBytes(straight, one)).toEqual(found);
          compared++;
          matches += found.length;
        }
      }),
      { numRuns: 4000 },
    );
    expect(compared).toBeGreaterThan(1000);
    expect(matches).toBeGreaterThan(100);
  });

  it.each([
    'all-reduced in (?P<value>[\\d.]+) ms',
    '(?P<step>\\d+): [\\d.]+, (?P<value>[\\d.]+) avg',
    'metric (?P<name>\\w+) is (?P<value>\\S+) in epoch (?P<step>\\d+)',
    '>> score (?<value>\\S+) @ (?<step>\\d+)',
    'Größe: (?P<value>[^,]+), (?P<name>.*)$',
    '^(?P<value>\\d+)',
  ])('may be %s', (expression) => {
    expect(Straight.of(expression)).toBeDefined();
  });

  it.each([
    ['a repetition takes what comes behind it', '(?P<value>[\\d.]+)\\.'],
    ['a repetition takes what may come behind it', '(?P<value>\\d*)\\.?\\d+'],
    ['nothing needs to be there', '(?P<value>\\d*)'],
    ['there are ways to choose from', 'a|(?P<value>\\d)'],
    ['a group is repeated', '(?P<value>\\d(?:ab)*)'],
    ['as little as possible is taken', '(?P<value>.*?);'],
    ['times are counted', '(?P<value>\\d{2})'],
    ['flags change what is meant', '(?i)(?P<value>\\d)'],
    ['a word ends', '(?P<value>\\d+)\\b'],
    ['one letter may be several bytes', 'a.(?P<value>\\d)'],
    ['a class has letters beyond ASCII', '[öä]+(?P<value>\\d)'],
    ['a class has a name', '[[:alpha:]]+(?P<value>\\d)'],
  ])('is none where %s: %s', (_, expression) => {
    expect(Straight.of(expression)).toBeUndefined();
  });

  it('gives a line up that would have to be looked at again and again', () => {
    const straight = Straight.of('[a-z]+ [^;]+;(?P<value>\\d)')!;
    expect(throughBytes(straight, 'word '.repeat(800))).toBeUndefined();
    expect(throughBytes(straight, 'word and word;1')).toEqual([['1', '', '']]);
  });
});
