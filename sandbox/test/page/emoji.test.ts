import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { FONTS, shipped } from './emoji-font.ts';
import { type SandboxPage, startPage } from './page.ts';

describe('the emoji font of the sandbox page', () => {
  it('takes nothing of the page’s text but the emoji of its list', async () => {
    const css = await readFile(join(FONTS, 'emoji.css'), 'utf8');
    const range = [...css.matchAll(/U\+([0-9A-F]+)/g)].map(([, hex = '']) => Number.parseInt(hex, 16));
    const listed = [...(await shipped()).join('')].map((sign) => sign.codePointAt(0) ?? 0);
    expect(new Set(range)).toEqual(new Set(listed));
    expect(Math.min(...range)).toBeGreaterThan(0x2100);
  });
});

const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[A9] on a machine without an emoji font', () => {
  let folder: string;
  let pages: SandboxPage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-fonts-'));
    const config = join(folder, 'fonts.conf');
    await writeFile(
      config,
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
        <dir>/usr/share/fonts/truetype/dejavu</dir><cachedir>${folder}/cache</cachedir></fontconfig>`,
    );
    pages = await startPage({ FONTCONFIG_FILE: config });
  });
  afterAll(async () => {
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  it('draws each of its emoji, in colour and unlike any other', async () => {
    const page = await pages.open('#/C0LINE3?as=U0ADA');
    await pages.composer().waitFor();
    const signs = await shipped();
    // Runs in the page, where the types of this test's own world do not hold.
    const drawn = (await page.evaluate(`(async () => {
      const font = '32px "Sandbox Emoji"';
      const draw = (sign) => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [48, 48];
        const context = canvas.getContext('2d');
        context.font = font;
        context.fillText(sign, 2, 36);
        const { data } = context.getImageData(0, 0, 48, 48);
        let [red, green] = [0, 0];
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] > data[at + 1] + 30) red += 1;
          if (data[at + 1] > data[at] + 30) green += 1;
        }
        return { sign, picture: canvas.toDataURL(), red, green };
      };
      await document.fonts.load(font, '✅');
      return [...${JSON.stringify(signs)}, '\u{1F9FF}'].map(draw);
    })()`)) as { sign: string; picture: string; red: number; green: number }[];
    const unknown = drawn.pop();
    for (const { sign, picture } of drawn) {
      const same = drawn.filter((other) => other.picture === picture).map((other) => other.sign);
      expect(same).toEqual([sign]);
      expect(picture, sign).not.toBe(unknown?.picture);
    }
    const named = (sign: string) => drawn.find((one) => one.sign === sign);
    expect(named('✅')?.green).toBeGreaterThan(100);
    expect(named('❌')?.red).toBeGreaterThan(100);
  });

  it('shows them in messages, whether the bot names or writes them', async () => {
    const page = await pages.open('#/C0ALERTS?as=U0ADA');
    await pages.post('C0ALERTS', { text: 'States ❌ failed :white_check_mark: completed' });
    await pages.message('States').getByRole('img', { name: 'white check mark' }).waitFor();
    await expect
      .poll(() => page.evaluate(`[...document.fonts].find((one) => /Emoji/.test(one.family))?.status`))
      .toBe('loaded');
  });
});
