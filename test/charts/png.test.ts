/** The real program, in a process of its own. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { curvePictures } from '../../src/charts/png.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { CurvePicture } from '../../src/ports/curve-pictures.ts';

const picture: CurvePicture = {
  title: 'train-a',
  panels: [
    {
      title: 'loss',
      axis: 'epoch',
      log: false,
      lines: [
        {
          name: '<!channel> 損失',
          words: 'last 1',
          points: [
            [1, 3],
            [2, Number.NaN],
            [3, 1],
          ],
        },
      ],
    },
  ],
};
const sizeOf = (png: Buffer): [number, number] => [png.readUInt32BE(16), png.readUInt32BE(20)];

describe('[W8] a picture of curves', () => {
  it('is a PNG, drawn without a browser and with its own font', async () => {
    const pictures = curvePictures();
    const png = await pictures.draw(picture);
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(sizeOf(png)[0]).toBe(1200);
    const nameless = await pictures.draw({ ...picture, title: '' });
    // Letters are drawn, whatever fonts this machine has.
    expect(png.length).toBeGreaterThan(nameless.length);
  });

  it.each([
    ['ends with an error', 'process.exit(3)'],
    ['answers with something else', 'process.stdout.write("no picture")'],
    ['takes for ever', 'setInterval(() => {}, 1000)'],
  ])('says that there is none where the program %s', async (_, code) => {
    const script = `data:text/javascript,${encodeURIComponent(code)}`;
    const pictures = curvePictures({
      within: 500,
      program: { script: '-e', wasm: `import(${JSON.stringify(script)})` },
    });
    const error = await pictures.draw(picture).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'unavailable' });
  });

  it('ends with the signal, and draws on afterwards', async () => {
    const pictures = curvePictures();
    const reason = new Error('no longer wanted');
    const aborted = new AbortController();
    const drawing = pictures.draw(picture, aborted.signal);
    aborted.abort(reason);
    await expect(drawing).rejects.toBe(reason);
    expect((await pictures.draw(picture)).length).toBeGreaterThan(1000);
  });

  it('comes with the licence of its font', () => {
    expect(readFileSync('src/charts/fonts/OFL.txt', 'utf8')).toContain('SIL Open Font License');
  });
});
