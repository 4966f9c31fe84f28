/** Slack's own line chart. */
import { LIMITS } from '#sandbox/block-kit';
import type { ShortChart } from '../domain/curves.ts';
import { AXIS, metricPlace } from '../domain/metric-words.ts';
import type { Block } from './message.ts';
import { label } from './text.ts';

const LIMIT = LIMITS.dataVisualization;

/** The block `data_visualization`, which @slack/types does not know yet: a message with one needs a fallback. */
export function chartBlock({ title, x, at, lines }: ShortChart): Block {
  const categories = unique(at.map(metricPlace));
  const names = unique(lines.map(({ name }) => name));
  const chart = {
    type: 'data_visualization',
    title: harmless(title, LIMIT.title),
    chart: {
      type: 'line',
      series: lines.map(({ values }, index) => ({
        name: names[index]!,
        data: values.map((value, place) => ({
          label: categories[place]!,
          value: Number(value.toPrecision(6)),
        })),
      })),
      axis_config: { categories, x_label: AXIS[x] },
    },
  };
  return chart as unknown as Block;
}

/** Nothing is parsed in a chart's labels; brackets are replaced all the same, should that ever change. */
const harmless = (text: string, limit: number): string =>
  label(text, limit).replace(/</g, '‹').replace(/>/g, '›');

/** Labels of 20 characters at most, and none twice: Slack joins values to places by them. */
function unique(texts: readonly string[]): string[] {
  const taken = new Set<string>();
  return texts.map((text) => {
    let one = harmless(text, LIMIT.label);
    for (let nth = 2; taken.has(one); nth += 1) one = `${harmless(text, LIMIT.label - 5)} #${nth}`;
    taken.add(one);
    return one;
  });
}
