import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curvesSvg, LINES_SHOWN } from '../../src/charts/svg.ts';
import { type CurveLine, type CurvePanel, PANELS_SHOWN } from '../../src/ports/curve-pictures.ts';

const line = (points: CurveLine['points'], more: Partial<CurveLine> = {}): CurveLine => ({
  name: 'loss',
  words: 'last 0.1',
  points,
  ...more,
});
const panel = (...lines: CurveLine[]): CurvePanel => ({ title: 'loss', axis: 'step', log: false, lines });
const svgOf = (...panels: CurvePanel[]): string => curvesSvg({ title: 'train-a', panels }).svg;
const polylines = (svg: string): string[][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) => points.split(' '));

/** What is not text is made of our own tags; whatever stands between them has been escaped. */
const TAGS = /<\/?(svg|rect|text|line|polyline|circle|g)( [a-z0-9A-Z-]+="[^"<>]*")*\/?>/g;

describe('[W8] curves as SVG', () => {
  it('breaks a line at what is not a number, and dots what stands alone', () => {
    const svg = svgOf(
      panel(
        line([
          [1, 3],
          [2, 2],
          [3, Number.NaN],
          [4, 1],
          [5, Number.POSITIVE_INFINITY],
          [6, 1],
          [7, 2],
        ]),
      ),
    );
    expect(polylines(svg).map((points) => points.length)).toEqual([2, 2]);
    expect(svg.match(/<circle /g)).toHaveLength(1);
  });

  it('shows nothing below zero on a logarithmic axis', () => {
    const svg = svgOf({
      ...panel(
        line([
          [1, 10],
          [2, 1],
          [3, 0],
          [4, -1],
          [5, 1],
          [6, 10],
        ]),
      ),
      log: true,
    });
    expect(polylines(svg).map((points) => points.length)).toEqual([2, 2]);
    expect(svg).toContain('logarithmic scale');
  });

  it('says so where there is no finite value at all', () => {
    expect(svgOf(panel(line([[1, Number.NaN]])))).toContain('No finite value');
  });

  it('draws faintly what was trained again, and a ring around the best', () => {
    const svg = svgOf(
      panel(
        line(
          [
            [1, 3],
            [2, 2],
          ],
          {
            given: [
              [
                [1, 5],
                [2, 4],
              ],
            ],
            best: [2, 2],
          },
        ),
      ),
    );
    expect(svg).toContain('opacity="0.35"');
    expect(polylines(svg)).toHaveLength(2);
    expect(svg.match(/<circle /g)).toHaveLength(1);
  });

  it('has only tags of ours and finite places, whatever a run is called and prints', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: -10, max: 10 }), fc.constant(0));
    const x = fc.double({ min: 0, max: 1e12, noNaN: true });
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('<!channel> & "<b>"'), fc.string());
    const anyLine = fc.record({
      name: text,
      words: text,
      points: fc.array(fc.tuple(x, number), { maxLength: 30 }).map((all) => all.sort((a, b) => a[0] - b[0])),
    });
    const anyPanel = fc.record({
      title: text,
      axis: text,
      log: fc.boolean(),
      lines: fc.array(anyLine, { maxLength: LINES_SHOWN + 2 }),
    });
    fc.assert(
      fc.property(
        text,
        fc.array(anyPanel, { minLength: 1, maxLength: PANELS_SHOWN + 1 }),
        (title, panels) => {
          const { svg, width, height } = curvesSvg({ title, subtitle: title, panels });
          expect(svg.replace(TAGS, '')).not.toMatch(/[<>]/);
          expect(svg).not.toMatch(/="[^"]*(?:NaN|Infinity|undefined)/);
          expect(width * height).toBeLessThan(4_000_000);
          expect(svg).not.toMatch(/\p{Surrogate}/u);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps a value’s words where a name is long', () => {
    const svg = svgOf(
      panel(
        line(
          [
            [1, 1],
            [2, 2],
          ],
          { name: 'n'.repeat(300) },
        ),
      ),
      panel(
        line([
          [1, 1],
          [2, 2],
        ]),
      ),
    );
    expect(svg).toMatch(/n… · last 0\.1</);
  });
});
