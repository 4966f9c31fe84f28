/** `data_visualization`: line, area, bar and pie, as plain SVG. */
import type { AnyBlock, ChartSeries } from './types.ts';

const WIDTH = 560;
const HEIGHT = 220;
const LEFT = 46;
const BOTTOM = 28;
const TOP = 10;
const HUES = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6'];
const hue = (index: number) => `var(${HUES[index % HUES.length] ?? '--series-1'})`;
const short = (value: number) =>
  Math.abs(value) >= 1000
    ? Intl.NumberFormat('en', { notation: 'compact' }).format(value)
    : String(Number(value.toPrecision(3)));

const valuesOf = (series: ChartSeries, categories: readonly string[]): (number | undefined)[] => {
  const byLabel = new Map((series.data ?? []).map(({ label, value }) => [label, value]));
  return categories.map((category) => byLabel.get(category));
};

function Legend({ names }: { names: readonly string[] }) {
  return (
    <ul className="chart-legend">
      {names.map((name, index) => (
        <li key={name}>
          <span style={{ background: hue(index) }} />
          {name}
        </li>
      ))}
    </ul>
  );
}

function Pie({ segments }: { segments: readonly { label?: string; value?: number }[] }) {
  const total = segments.reduce((sum, { value = 0 }) => sum + Math.max(0, value), 0) || 1;
  let turned = 0;
  return (
    <svg viewBox="-1.1 -1.1 2.2 2.2" className="chart-pie" aria-hidden="true">
      {segments.map(({ label, value = 0 }, index) => {
        const share = Math.max(0, value) / total;
        const from = turned * 2 * Math.PI;
        turned += share;
        const to = turned * 2 * Math.PI;
        const point = (angle: number) => `${Math.sin(angle).toFixed(4)} ${(-Math.cos(angle)).toFixed(4)}`;
        const path =
          share > 0.9999
            ? 'M0 -1A1 1 0 1 1 -0.001 -1Z'
            : `M0 0L${point(from)}A1 1 0 ${share > 0.5 ? 1 : 0} 1 ${point(to)}Z`;
        return <path key={label} d={path} fill={hue(index)} />;
      })}
    </svg>
  );
}

function Axes(props: { series: readonly ChartSeries[]; categories: readonly string[]; kind: string }) {
  const { series, categories, kind } = props;
  const rows = series.map((one) => valuesOf(one, categories));
  const all = rows
    .flat()
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  // A line shows how something changes, which an axis from zero would hide.
  const most = kind === 'line' ? Math.max(...all) : Math.max(...all, 0);
  const least = kind === 'line' ? Math.min(...all) : Math.min(...all, 0);
  const span = most - least || 1;
  const x = (at: number) =>
    kind === 'bar'
      ? LEFT + ((at + 0.5) / categories.length) * (WIDTH - LEFT - 8)
      : LEFT + (categories.length > 1 ? at / (categories.length - 1) : 0.5) * (WIDTH - LEFT - 24);
  const y = (value: number) => TOP + (1 - (value - least) / span) * (HEIGHT - TOP - BOTTOM);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => least + part * span);
  const every = Math.ceil(categories.length / 8);
  const barWidth = ((WIDTH - LEFT - 8) / Math.max(1, categories.length) / Math.max(1, series.length)) * 0.7;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="chart-axes" aria-hidden="true">
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={WIDTH - 8} y1={y(tick)} y2={y(tick)} className="chart-grid" />
          <text x={LEFT - 6} y={y(tick) + 3.5} textAnchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {categories.map(
        (category, at) =>
          at % every === 0 && (
            <text key={category} x={x(at)} y={HEIGHT - 8} textAnchor="middle">
              {category}
            </text>
          ),
      )}
      {rows.map((values, index) => {
        const name = series[index]?.name ?? String(index);
        const points = values.flatMap((value, at) =>
          value === undefined ? [] : [[x(at), y(value)] as const],
        );
        const line = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
        if (kind === 'bar')
          return points.map(([px, py]) => (
            <rect
              key={`${name}-${px}`}
              x={px + (index - series.length / 2) * barWidth}
              y={Math.min(py, y(0))}
              width={barWidth}
              height={Math.abs(y(0) - py)}
              fill={hue(index)}
            />
          ));
        return (
          <g key={name}>
            {kind === 'area' && points.length > 1 && (
              <polygon
                points={`${points[0]?.[0]},${y(least)} ${line} ${points.at(-1)?.[0]},${y(least)}`}
                fill={hue(index)}
                opacity="0.2"
              />
            )}
            <polyline points={line} fill="none" stroke={hue(index)} strokeWidth="2" strokeLinejoin="round" />
            {points.map(([px, py]) => (
              <circle key={px} cx={px} cy={py} r="2.5" fill={hue(index)} />
            ))}
          </g>
        );
      })}
    </svg>
  );
}

export function Chart({ block }: { block: AnyBlock }) {
  const { chart } = block;
  const title = typeof block.title === 'string' ? block.title : (block.title?.text ?? 'Chart');
  if (!chart) return null;
  const series = chart.series ?? [];
  const segments = chart.segments ?? [];
  const categories = chart.axis_config?.categories ?? (series[0]?.data ?? []).map(({ label }) => label ?? '');
  const described =
    chart.type === 'pie'
      ? segments.map(({ label, value }) => `${label}: ${value}`).join(', ')
      : series
          .map(
            (one) =>
              `${one.name}: ${(one.data ?? []).map(({ label, value }) => `${label} ${value}`).join(', ')}`,
          )
          .join('; ');
  return (
    <figure className="chart" aria-label={`${title}. ${described}`}>
      <figcaption>{title}</figcaption>
      {chart.type === 'pie' ? (
        <Pie segments={segments} />
      ) : (
        <Axes series={series} categories={categories} kind={chart.type ?? 'line'} />
      )}
      {chart.axis_config?.x_label && chart.type !== 'pie' && (
        <div className="chart-label">
          {chart.axis_config.x_label}
          {chart.axis_config.y_label ? ` · ${chart.axis_config.y_label}` : ''}
        </div>
      )}
      <Legend
        names={
          chart.type === 'pie'
            ? segments.map(({ label }) => label ?? '')
            : series.map(({ name }) => name ?? '')
        }
      />
    </figure>
  );
}
