/** What `--plain` claims to resolve, against the terminal emulator of VS Code. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { terminalPicture } from '../../src/logs/message-picture.ts';
import { TerminalScreen } from '../../src/terminal/screen.ts';
import { xtermRows } from '../fixtures/xterm.ts';

const COLUMNS = 24;
const ROWS = 5;
const SIZE = { columns: COLUMNS, rows: ROWS };
const RUNS = Number(process.env.TERMINAL_RUNS ?? 300);

const number = fc.oneof(fc.constant(''), fc.integer({ min: 0, max: COLUMNS + 3 }).map(String));
const csi = (finals: string, params = number) =>
  fc.tuple(params, fc.constantFrom(...finals)).map(([n, final]) => `\u001b[${n}${final}`);
const pair = fc.tuple(number, number).map(([a, b]) => `${a};${b}`);

/** Everything that docs/log-engine.md lists. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[ -~]{1,12}$/) },
  { weight: 2, arbitrary: fc.constantFrom('█▉▊', '⠋⠙⠹', '✔', '日本', '한글', '🚀', 'e\u0301', 'กำ', 'ｗ') },
  {
    weight: 4,
    arbitrary: fc.constantFrom('\r', '\n', '\r\n', '\b', '\b\b\b', '\t', '\u0007', '\0', '\u007f'),
  },
  { weight: 3, arbitrary: csi('ABCDEFGad`e') },
  { weight: 1, arbitrary: csi('Hf', pair) },
  { weight: 2, arbitrary: csi('K', fc.constantFrom('', '0', '1', '2', '?', '?1')) },
  // @xterm/headless 6.0.0 throws for "erase above" in the last column of the last row.
  { weight: 1, arbitrary: fc.constantFrom('\u001b[J', '\u001b[2J', '\u001b[?J', '\b\b\u001b[1J') },
  { weight: 2, arbitrary: csi('X@PLM') },
  { weight: 1, arbitrary: csi('m', fc.constantFrom('', '0', '1;31', '38;5;196', '38:2::1:2:3')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\u001b[?25l',
      '\u001b[?25h',
      '\u001b[?2004h',
      '\u001b[!p',
      '\u001b[2 q',
      '\u001b[>4;1m',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('47', '1047', '1049', '1048', '25;1049'), fc.constantFrom('h', 'l'))
      .map(([mode, onOff]) => `\u001b[?${mode}${onOff}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\u001b(B', '\u001b(0', '\u001b)0', '\u000e', '\u000f', '\u001b%G'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\u001b7', '\u001b8', '\u001b[s', '\u001b[u', '\u001bD', '\u001bE', '\u001bM'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\u001b]0;title\u0007',
      '\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\',
      '\u001bPq#0;2;0;0;0#0~~@@vv@@~~$-\u001b\\',
      '\u001b_G;AAAA\u001b\\',
      '\u001b^private\u001b\\',
      '\u001b[12\u0018',
      '\u001b[3\r1m',
    ),
  },
);
const sequence = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));

describe('[L6] the terminal picture', () => {
  it('shows what a terminal shows, whatever is printed and however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(sequence, fc.array(fc.nat(40), { maxLength: 4 }), async (text, cuts) => {
        const screen = new TerminalScreen(SIZE);
        let final = '';
        let from = 0;
        for (const cut of cuts) {
          screen.write(text.slice(from, from + cut));
          final += screen.takeFinal();
          from += cut;
        }
        screen.write(text.slice(from));
        final += screen.takeFinal();
        const ours = final + (screen.visible() ?? '');
        // Nothing is left in it but text, tabs and ends of lines.
        expect(ours).not.toMatch(/(?![\t\n])\p{Cc}/u);
        expect(await xtermRows(ours, SIZE)).toEqual(await xtermRows(text, SIZE, '\n'.repeat(ROWS - 1)));
      }),
      { numRuns: RUNS },
    );
  });

  it('of a picture is the picture itself', () => {
    fc.assert(
      fc.property(sequence, (text) => {
        const picture = terminalPicture(text) ?? '';
        expect(terminalPicture(picture)).toBe(picture);
      }),
      { numRuns: RUNS },
    );
  });
});
