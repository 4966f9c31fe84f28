import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../src/page/file-text.ts';
import { findIn, MOST_MATCHES, nearest } from '../../src/page/find.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const line = fc
  .oneof(fc.string(), fc.string({ unit: 'grapheme' }))
  .map((text) => text.replace(/[\r\n]/g, ''));

describe('a part of a file', () => {
  it('has whole lines only, and every one that the part holds whole', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 2 }), fc.nat(), (lines, seed) => {
        const all = bytes(`${lines.join('\n')}\n`);
        const at = seed % all.length;
        const start = textOf(all.subarray(0, at), 'start').lines;
        const end = textOf(all.subarray(at), 'end').lines;
        if (all.subarray(0, at).includes(10)) expect(start).toEqual(lines.slice(0, start.length));
        if (all.subarray(at, -1).includes(10)) expect(end).toEqual(lines.slice(lines.length - end.length));
      }),
      { numRuns: 300 },
    );
  });

  it('takes the ends of lines of Windows for what they are, and a file without any as one line', () => {
    expect(textOf(bytes('a\r\nb\r\n'), 'whole').lines).toEqual(['a', 'b']);
    expect(textOf(bytes('no end of line'), 'end').lines).toEqual(['no end of line']);
    expect(textOf(bytes('no end of line'), 'start').lines).toEqual(['no end of line']);
    expect(textOf(bytes(''), 'whole').lines).toEqual(['']);
  });
});

describe('finding in a file', () => {
  it('finds what is there, as it stands, whatever signs it has', () => {
    fc.assert(
      fc.property(fc.array(line), line.filter(Boolean), fc.nat(), (lines, words, seed) => {
        const at = seed % (lines.length + 1);
        const text = [...lines.slice(0, at), `before ${words} after`, ...lines.slice(at)];
        const found = findIn(text, words);
        expect(found.some((match) => match.line === at)).toBe(true);
        for (const match of found) {
          const piece = text[match.line]?.slice(match.start, match.start + match.length) ?? '';
          expect(new RegExp(`^(?:${piece.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')})$`, 'iu').test(words)).toBe(
            true,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stops at as many as can be shown, and finds nothing for no words', () => {
    expect(findIn(Array(MOST_MATCHES + 5).fill('x'), 'x')).toHaveLength(MOST_MATCHES);
    expect(findIn(['abc'], '')).toEqual([]);
  });

  it('begins with the match at or after what is seen, else with the last', () => {
    const matches = findIn(['x', '', 'x', ''], 'x');
    expect(nearest(matches, 1)).toBe(1);
    expect(nearest(matches, 3)).toBe(1);
    expect(nearest([], 0)).toBe(-1);
  });
});
