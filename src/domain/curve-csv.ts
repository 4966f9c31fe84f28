/** Curves as a table of comma-separated values: RFC 4180, one row for each value that was kept. */
import type { MetricSeries } from './metrics.ts';

const HEADER = ['run', 'metric', 'axis', 'at', 'value', 'time'];

/** @param runs whose names stand in the first column */
export function curvesCsv(runs: readonly { name: string; series: readonly MetricSeries[] }[]): string {
  const rows = [HEADER.join(',')];
  for (const { name, series } of runs)
    for (const { name: metric, x: axis, points } of series) {
      const left = [name, metric, axis].map(field).join(',');
      for (const { x, value, at } of points)
        rows.push(`${left},${x},${numberText(value)},${at === undefined ? '' : timeText(at)}`);
    }
  return `${rows.join('\r\n')}\r\n`;
}

/** As Python and pandas read it. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? 'inf' : '-inf';
}

function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/** Quoted where it has to be. What a spreadsheet would run as a formula has an apostrophe before it. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
