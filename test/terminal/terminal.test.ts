import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needsTerminal, terminalPicture } from '../../src/logs/message-picture.ts';
import { cellWidth } from '../../src/terminal/cell-width.ts';
import { TerminalScreen } from '../../src/terminal/screen.ts';
import { xtermRows } from '../fixtures/xterm.ts';

const ESC = '\u001b';

describe('[L6] the terminal picture of a message', () => {
  it.each([
    ['a shorter bar over a longer one', 'a longer line\rshort\u001b[K', 'short'],
    [
      'a spinner that goes back by column',
      `loading⠙${ESC}[1G${ESC}[0Kloading…${ESC}[G${ESC}[K✔ loaded`,
      '✔ loaded',
    ],
    ['a spinner that goes back by cells', `wait -${ESC}[1D\\${ESC}[D|`, 'wait |'],
    ['what `tput sgr0` prints', `${ESC}[1mbold${ESC}(B${ESC}[m plain`, 'bold plain'],
    ['line drawing', `${ESC}(0lqqk${ESC}(B box`, '┌──┐ box'],
    ['UTF-8 switched on, a terminal set back', `gone${ESC}c${ESC}%Ghere`, 'here'],
    ['a sixel picture', `before ${ESC}Pq#0;2;0;0;0#0~~@@vv@@~~$-${ESC}\\after`, 'before after'],
    [
      'a title and a link',
      `${ESC}]0;t\u0007${ESC}]8;;https://x.example${ESC}\\text${ESC}]8;;${ESC}\\`,
      'text',
    ],
    ['erasing to the left', `password: secret\rpassword: secret${ESC}[1K\rok`, 'ok'],
    ['erasing below', `one\ntwo\nthree${ESC}[2A${ESC}[J\rdone`, 'done'],
    ['wide characters under a bar', '学習 10%\r学習 99%', '学習 99%'],
    ['half of a wide character', '学習\r-', '- 習'],
    ['a tab in a redrawn line', 'step\t1\rstep\t2', 'step\t2'],
    ['an outer bar above an inner one', `\rinner 100%${ESC}[A\router 50%`, 'outer 50%\ninner 100%'],
    ['a bar that clears itself and goes up', `\r            ${ESC}[A`, undefined],
    ['Keras, which goes back by backspaces', `1/2 [==>.]${'\b'.repeat(10)}2/2 [====]`, '2/2 [====]'],
    ['an escape at the very end', `cut${ESC}`, 'cut'],
    ['a stray escape before text', `${ESC}日本`, '日本'],
    ['blank lines of the message', '\rone\n\n\ntwo\n', 'one\n\n\ntwo\n'],
    [
      'a full-screen program that was left',
      `before${ESC}[?1049h${ESC}[Hcpu 99 %${ESC}[?1049l after`,
      'before after',
    ],
    [
      'one that was stopped in the middle',
      `before${ESC}[?1049h${ESC}[H${ESC}[2Jcpu 99 %`,
      'before\ncpu 99 %',
    ],
    ['the older way to the alternate screen', `a${ESC}[?47h${ESC}[2Jfull${ESC}[?47l`, 'a'],
    ['a column far away', `${ESC}[9999Gx`, `${' '.repeat(299)}x`],
  ])('%s', (_, message, picture) => {
    expect(terminalPicture(message)).toBe(picture);
  });

  it.each([
    ['[0]#011train-rmse:9.1#011validation-rmse:9.4', '[0]\ttrain-rmse:9.1\tvalidation-rmse:9.4'],
    [
      '#015  0%|          | 0/9 [00:00<?, ?it/s]#015100%|##########| 9/9 [00:01<00:00, 9.1it/s]',
      '100%|##########| 9/9 [00:01<00:00, 9.1it/s]',
    ],
    ['Downloading done.#015', 'Downloading done.'],
    ['#033[32mINFO#033[0m ready', 'INFO ready'],
    ['1/2 [=>.]#010#010#010#010#010#010#010#010#0102/2 [===]', '2/2 [===]'],
    ['Traceback:#012  File "a.py"#012#011at x', 'Traceback:\n  File "a.py"\n\tat x'],
    // Numbers and colours are none of it.
    ['closes issue #012 and (#015)', 'closes issue #012 and (#015)'],
    ['colour #011f2a; colour "#0155aa"', 'colour #011f2a; colour "#0155aa"'],
    ['#012 failed', '#012 failed'],
    ['a real\ttab beside #011x', 'a real\ttab beside #011x'],
  ])('syslog: %s', (message, picture) => {
    expect(terminalPicture(message)).toBe(picture);
  });

  it('looks closer only at what may look other than it is written', () => {
    for (const text of ['plain', 'tab\tand\nline', 'Grüße, 日本 ✔ 🚀', '# 0', 'é']) {
      expect(needsTerminal(Buffer.from(text))).toBe(false);
      expect(terminalPicture(text)).toBe(text);
    }
    for (const text of ['\r', '\b', ESC, '\0', '\u007f', '\u0085', '#015']) {
      expect(needsTerminal(Buffer.from(`x${text}`))).toBe(true);
    }
  });

  it('stays small whatever is asked for', () => {
    const screen = new TerminalScreen();
    screen.write(`${ESC}[65535C${ESC}[65535Bx${ESC}[65535@${ESC}[65535L`.repeat(1000));
    expect((screen.takeFinal() + screen.visible()).length).toBeLessThan(5_000);
    // A line longer than a row stays one line.
    expect(terminalPicture(`\r${'x'.repeat(1_000_000)}`)).toBe('x'.repeat(1_000_000));
  });
});

describe('[L6] what real programs print', () => {
  const fixtures = join(import.meta.dirname, '../fixtures');
  const folder = join(fixtures, 'terminal');
  const size = { columns: 80, rows: 24 };
  const captures = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^terminal\/.+\.(pipe|pty)$|^trainer-logs\/.+\.txt$/.test(name),
  );

  it.each(captures)('%s looks as in a terminal', async (name) => {
    const text = readFileSync(join(fixtures, name), 'utf8');
    const screen = new TerminalScreen(size);
    screen.write(text);
    const ours = screen.takeFinal() + (screen.visible() ?? '');
    expect(await xtermRows(ours, size)).toEqual(await xtermRows(text, size, '\n'.repeat(size.rows - 1)));
  });

  it.each([
    ['sgr0.pipe', 'bold plain red\n'],
    ['ora.pty', '✔ loaded\n\n'],
    ['click-bar.pty', 'Loading  [####################################]  100%\nfinished\n\n'],
    ['multibar.pty', 'first ========== 4/4\nsecond =====----- 2/4\n\n'],
  ])('%s', (name, picture) => {
    expect(terminalPicture(readFileSync(join(folder, name), 'utf8'))).toBe(picture);
  });

  it('tqdm leaves one line of two nested bars', () => {
    const picture = terminalPicture(readFileSync(join(folder, 'tqdm-nested.pipe'), 'utf8'));
    expect(picture).toMatch(/^epochs: 100%\|█+\| 3\/3 [^\n]+\ndone\n?$/);
  });
});

it('[L6] takes a character for as many cells as a terminal does', async () => {
  for (const text of [
    'a',
    'é',
    '学',
    'ｗ',
    '한',
    '✔',
    '⠋',
    '█',
    '…',
    '🚀',
    '\u0301',
    '\u200d',
    '⌚',
    '𠀀',
    '│',
  ]) {
    const codePoint = text.codePointAt(0)!;
    const [row] = await xtermRows(`a${text}|`, { columns: 10, rows: 1 });
    const [again] = await xtermRows(`a${text}\r${ESC}[${2 + cellWidth(codePoint)}G|`, {
      columns: 10,
      rows: 1,
    });
    expect(again, text).toBe(row);
  }
});
