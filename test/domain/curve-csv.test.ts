import fc from 'fast-check';
import { expect, it } from 'vitest';
import { curvesCsv } from '../../src/domain/curve-csv.ts';
import { seriesOf } from '../fixtures/metric-series.ts';

/** Reads RFC 4180. */
function read(csv: string): string[][] {
  const rows: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let at = 0; at < csv.length; at += 1) {
    const sign = csv[at]!;
    if (quoted && sign === '"' && csv[at + 1] === '"') {
      field += '"';
      at += 1;
    } else if (sign === '"') quoted = !quoted;
    else if (!quoted && (sign === ',' || (sign === '\r' && csv[at + 1] === '\n'))) {
      rows.at(-1)!.push(field);
      field = '';
      if (sign === '\r') {
        at += 1;
        rows.push([]);
      }
    } else field += sign;
  }
  return rows.slice(0, -1);
}

it('[W8] has a row for each value, whatever runs and metrics are called', () => {
  const series = fc.record({ name: fc.string(), values: fc.array(fc.double(), { maxLength: 8 }) });
  fc.assert(
    fc.property(fc.string(), fc.array(series, { maxLength: 5 }), (run, all) => {
      const rows = read(
        curvesCsv([{ name: run, series: all.map(({ name, values }) => seriesOf(name, values)) }]),
      ).slice(1);
      expect(rows).toHaveLength(all.reduce((sum, { values }) => sum + values.length, 0));
      const values = all.flatMap(({ name, values: of }) => of.map((value) => [name, value] as const));
      for (const [index, [name, value]] of values.entries()) {
        const [, metric = '', , , text = ''] = rows[index]!;
        expect([name, `'${name}`]).toContain(metric);
        expect(metric).not.toMatch(/^[=+\-@]/);
        const back =
          text === 'nan'
            ? Number.NaN
            : text.endsWith('inf')
              ? text === 'inf'
                ? Infinity
                : -Infinity
              : Number(text);
        expect(back === value || (Number.isNaN(back) && Number.isNaN(value))).toBe(true);
      }
    }),
  );
});

it('says when a value was reported, where that is known', () => {
  const point = { x: 1, value: 0.5, at: Date.UTC(2026, 0, 2) };
  const series = { ...seriesOf('loss', [0.5]), points: [point] };
  expect(curvesCsv([{ name: 'a', series: [series] }])).toBe(
    'run,metric,axis,at,value,time\r\na,loss,epoch,1,0.5,2026-01-02T00:00:00.000Z\r\n',
  );
});
