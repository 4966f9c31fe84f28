import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bareText } from '../../src/terminal/bare-text.ts';

const ESC = '\u001b';

it.each([
  ['colours', `${ESC}[1;31mValueError${ESC}[0m: no`, 'ValueError: no'],
  ['a reset with a character set', `done${ESC}(B${ESC}[m`, 'done'],
  ['a link', `${ESC}]8;id=1;file:///a.py${ESC}\\a.py${ESC}]8;;${ESC}\\:3`, 'a.py:3'],
  ['a title, ended by a bell', `${ESC}]0;t\u0007x`, 'x'],
  ['zero bytes and bells, but no tab or line end', 'a\0\u0007\tb\r\n', 'a\tb\r\n'],
  ['a sequence that breaks off', `text${ESC}[3`, 'text'],
])('text without %s', (_, printed, bare) => {
  expect(bareText(printed)).toBe(bare);
});

it('is what was printed where there is nothing for a terminal, and never more', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const plain = text.replaceAll(/(?![\t\r\n])\p{Cc}/gu, '');
      expect(bareText(plain)).toBe(plain);
      expect(bareText(text).length).toBeLessThanOrEqual(text.length);
    }),
  );
});
