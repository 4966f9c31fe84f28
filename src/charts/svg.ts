/**
 * Curves as an SVG of text, lines and rings. Lines differ by dashes as well as by colour, and the legend says each
 * one's words, so nothing hangs on telling two colours apart.
 */
import { metricPlace, metricValue } from '../domain/metric-words.ts';
import { type CurveLine, type CurvePanel, type CurvePicture, PANELS_SHOWN } from '../ports/curve-pictures.ts';
import { linearTicks, logTicks } from './ticks.ts';

/** Pixels. */
const WIDTH = 1200;
const MARGIN = 36;
const GAP = 44;
const HEAD = 96;
const PLOT = { one: 440, several: 290 };
const LEGEND_ROW = 32;
const PANEL_HEAD = 56;
const AXIS_ROOM = 74;
const LEFT = 96;
const FONT = { title: 30, panel: 25, label: 21, small: 20 };

/** Told apart by people who see few colours: Okabe and Ito, without their yellow. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#a3478a', '#56b4e9', '#8a6d00'];
const DASHES = ['', '12 6', '3 6', '16 5 3 5', '7 4', '2 4'];
const INK = '#1d1c1d';
const FAINT = '#5e5d60';
const GRID = '#e2e2e4';

/** Lines that one panel can tell apart. */
export const LINES_SHOWN = COLOURS.length;

/** Characters of Inter are mostly half as wide as high. */
const CHARACTER = 0.54;
const fits = (text: string, width: number, size: number): string => {
  const most = Math.max(4, Math.floor(width / (size * CHARACTER)));
  const signs = [...text];
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join('')}…`;
};

/** What the font has no sign for would be left out silently. The ranges are those of scripts/chart-fonts.mjs. */
const NOT_IN_FONT =
  /[^ -~\u00a0-\u017f\u0370-\u03ff\u0400-\u045f\u2010-\u2027\u2030\u2032\u2033\u2070-\u209c\u2190-\u2193\u2200-\u2265\u25a1]/gu;

/** XML has no way to write most control characters, and what turns the direction of writing is never meant. */
const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be removed
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, ' ')
    .replace(NOT_IN_FONT, '□')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');

interface TextStyle {
  size: number;
  fill?: string;
  anchor?: 'start' | 'middle' | 'end';
  bold?: boolean;
}

function text(x: number, y: number, words: string, style: TextStyle): string {
  const { size, fill = INK, anchor = 'start', bold = false } = style;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${bold ? ' font-family="Inter SemiBold"' : ''}>${escapeXml(words)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** @returns the picture's text and its size in pixels */
export function curvesSvg(picture: CurvePicture): { svg: string; width: number; height: number } {
  const panels = picture.panels.slice(0, PANELS_SHOWN);
  const alone = panels.length === 1;
  const columns = alone ? 1 : 2;
  const width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns;
  const plot = alone ? PLOT.one : PLOT.several;
  const parts: string[] = [];
  let top = MARGIN + HEAD - (picture.subtitle === undefined ? 30 : 0);
  for (let at = 0; at < panels.length; at += columns) {
    const row = panels.slice(at, at + columns);
    for (const [index, panel] of row.entries())
      parts.push(
        drawPanel(panel, { left: MARGIN + index * (width + GAP), top, width, plot, titled: !alone }),
      );
    const legend = Math.max(...row.map(({ lines }) => Math.min(lines.length, LINES_SHOWN))) * LEGEND_ROW;
    top += (alone ? 0 : PANEL_HEAD) + plot + AXIS_ROOM + legend + (at + columns < panels.length ? GAP : 0);
  }
  const height = Math.ceil(top + MARGIN / 2);
  const head = [
    text(MARGIN, MARGIN + 26, fits(picture.title, WIDTH - 2 * MARGIN, FONT.title), {
      size: FONT.title,
      bold: true,
    }),
    picture.subtitle === undefined
      ? ''
      : text(MARGIN, MARGIN + 60, fits(picture.subtitle, WIDTH - 2 * MARGIN, FONT.label), {
          size: FONT.label,
          fill: FAINT,
        }),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="Inter"><rect width="${WIDTH}" height="${height}" fill="#ffffff"/>${head.join('')}${parts.join('')}</svg>`;
  return { svg, width: WIDTH, height };
}

interface Place {
  left: number;
  top: number;
  width: number;
  plot: number;
  titled: boolean;
}

function drawPanel(panel: CurvePanel, place: Place): string {
  const lines = panel.lines.slice(0, LINES_SHOWN);
  const top = place.top + (place.titled ? PANEL_HEAD : 0);
  const parts = place.titled
    ? [
        text(place.left, place.top + 22, fits(panel.title, place.width, FONT.panel), {
          size: FONT.panel,
          bold: true,
        }),
      ]
    : [];
  const scale = scaleOf({ ...panel, lines }, { ...place, top });
  if (scale) parts.push(axes(panel, scale), ...lines.map((line, index) => curve(line, index, scale)));
  else
    parts.push(
      text(place.left + place.width / 2, top + place.plot / 2, 'No finite value', {
        size: FONT.label,
        fill: FAINT,
        anchor: 'middle',
      }),
    );
  const legendTop = top + place.plot + AXIS_ROOM;
  lines.forEach((line, index) => {
    const y = legendTop + index * LEGEND_ROW + 14;
    parts.push(
      `<line x1="${place.left}" y1="${y - 7}" x2="${place.left + 44}" y2="${y - 7}" ${stroke(index, 4)}/>`,
      text(place.left + 56, y, legendOf(line, place.width - 60), { size: FONT.small }),
    );
  });
  return parts.join('');
}

/** Of a long name less is shown, of its words as much as there is room for. */
function legendOf({ name, words }: CurveLine, width: number): string {
  const room = width - ([...words].length + 3) * FONT.small * CHARACTER;
  return fits(
    `${fits(name, Math.max(room, width / 4), FONT.small)}${words === '' ? '' : ` · ${words}`}`,
    width,
    FONT.small,
  );
}

interface Scale {
  left: number;
  right: number;
  top: number;
  bottom: number;
  xs: readonly number[];
  ys: readonly number[];
  x(value: number): number;
  y(value: number): number;
  shows(value: number): boolean;
}

function scaleOf({ lines, log }: CurvePanel, place: Omit<Place, 'titled'>): Scale | undefined {
  // Beyond these the arithmetic of an axis would leave the numbers.
  const shows = (value: number): boolean => Math.abs(value) < 1e250 && (log ? value > 1e-250 : true);
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { points, given = [] } of lines)
    for (const piece of [points, ...given])
      for (const [x, y] of piece) {
        x0 = Math.min(x0, x);
        x1 = Math.max(x1, x);
        if (!shows(y)) continue;
        y0 = Math.min(y0, y);
        y1 = Math.max(y1, y);
      }
  if (!(y0 <= y1) || !(x0 <= x1)) return undefined;
  const at = (value: number): number => (log ? Math.log10(value) : value);
  let [low, high] = [at(y0), at(y1)];
  // A constant still has an axis around it, and nothing lies on the frame.
  const pad = high - low > 1e-290 ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  low -= pad;
  high += pad;
  const left = place.left + LEFT;
  const right = place.left + place.width - 14;
  const { top } = place;
  const bottom = top + place.plot;
  const span = x1 > x0 ? x1 - x0 : 1;
  return {
    ...{ left, right, top, bottom, shows },
    xs: linearTicks(x0, x1, Math.floor((right - left) / 130)),
    ys: log ? logTicks(low, high, 5) : linearTicks(low, high, 5),
    x: (value) => (x1 > x0 ? left + ((value - x0) / span) * (right - left) : (left + right) / 2),
    y: (value) => bottom - ((at(value) - low) / (high - low)) * (bottom - top),
  };
}

function axes({ axis, log }: CurvePanel, { left, right, bottom, xs, ys, x, y }: Scale): string {
  return [
    ...ys.map(
      (tick) =>
        `<line x1="${left}" y1="${round(y(tick))}" x2="${right}" y2="${round(y(tick))}" stroke="${GRID}" stroke-width="2"/>${text(left - 12, y(tick) + 7, metricValue(tick), { size: FONT.small, fill: FAINT, anchor: 'end' })}`,
    ),
    ...xs.map((tick) =>
      text(x(tick), bottom + 28, metricPlace(tick), { size: FONT.small, fill: FAINT, anchor: 'middle' }),
    ),
    `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="${FAINT}" stroke-width="2"/>`,
    text(right, bottom + 52, axis, { size: FONT.small, fill: FAINT, anchor: 'end' }),
    log ? text(left, bottom + 52, 'logarithmic scale', { size: FONT.small, fill: FAINT }) : '',
  ].join('');
}

const stroke = (index: number, width: number): string =>
  `fill="none" stroke="${COLOURS[index]}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"${DASHES[index] ? ` stroke-dasharray="${DASHES[index]}"` : ''}`;

function curve({ points, given = [], best }: CurveLine, index: number, scale: Scale): string {
  const faint = given.map((piece) => `<g opacity="0.35">${pieces(piece, index, scale, 3)}</g>`);
  const ring =
    best && scale.shows(best[1])
      ? `<circle cx="${round(scale.x(best[0]))}" cy="${round(scale.y(best[1]))}" r="8" fill="#ffffff" stroke="${COLOURS[index]}" stroke-width="4"/>`
      : '';
  return [...faint, pieces(points, index, scale, 4), ring].join('');
}

/** A line for each stretch without a gap; a stretch of one point is a dot. */
function pieces(points: CurveLine['points'], index: number, { x, y, shows }: Scale, width: number): string {
  const drawn: string[] = [];
  let stretch: string[] = [];
  const end = (): void => {
    const [first] = stretch;
    if (first !== undefined && stretch.length === 1) {
      const [cx, cy] = first.split(',');
      drawn.push(`<circle cx="${cx}" cy="${cy}" r="${width + 1}" fill="${COLOURS[index]}"/>`);
    } else if (first !== undefined)
      drawn.push(`<polyline points="${stretch.join(' ')}" ${stroke(index, width)}/>`);
    stretch = [];
  };
  for (const [px, py] of points) {
    if (shows(py)) stretch.push(`${round(x(px))},${round(y(py))}`);
    else end();
  }
  end();
  return drawn.join('');
}
