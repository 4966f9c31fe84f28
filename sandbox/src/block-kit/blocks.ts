/** The shapes of Block Kit's blocks. Source: Slack's Block Kit reference. */
import { blockId, mrkdwn, plainText, text } from './composition-objects.ts';
import {
  button,
  hasImageSource,
  imageElement,
  imageFields,
  inAccessory,
  inActions,
  inContextActions,
  inInput,
  richText,
  richTextElements,
} from './elements.ts';
import { LIMITS } from './limits.ts';
import {
  boolean,
  type Check,
  type Json,
  list,
  number,
  object,
  oneOf,
  oneOfTypes,
  report,
  string,
  type Visit,
} from './schema.ts';

const id = { block_id: blockId };

function block(
  fields: Record<string, Check>,
  required: string[] = [],
  also?: Parameters<typeof object>[2],
): Check {
  const shape = object({ ...id, ...fields }, required, also);
  return (value, at, visit) => {
    visit.actionIds = new Set();
    shape(value, at, visit);
  };
}

/** At least one of several fields. */
const someOf =
  (...keys: string[]) =>
  (value: Json, at: string, visit: Visit): void => {
    if (keys.every((key) => value[key] === undefined)) {
      report(visit, at, `must define one of: ${keys.map((key) => `\`${key}\``).join(', ')}`);
    }
  };

const anyLength = Number.MAX_SAFE_INTEGER;

const rawText: Check = object({ text: string(anyLength, 1) }, ['text']);
const cell: Check = oneOfTypes({
  raw_text: rawText,
  raw_number: object(
    { value: number(-Number.MAX_VALUE, Number.MAX_VALUE, false), text: string(anyLength, 1) },
    ['value', 'text'],
  ),
  rich_text: richText,
});

/** The first row is the header: raw text only. All rows are equally wide. */
const dataRows: Check = (value, at, visit) => {
  if (Array.isArray(value) && Array.isArray(value[0])) {
    const width = value[0].length;
    list(oneOfTypes({ raw_text: rawText }), LIMITS.dataTable.columns)(value[0], `${at}/0`, visit);
    for (const [index, row] of value.slice(0, LIMITS.dataTable.rows).entries()) {
      if (index === 0 || !Array.isArray(row)) continue;
      list(cell, LIMITS.dataTable.columns)(row, `${at}/${index}`, visit);
      if (row.length !== width)
        report(visit, `${at}/${index}`, `must provide ${width} cells, as the first row does`);
    }
  }
  list(
    (row, place, inner) => {
      if (!Array.isArray(row)) report(inner, place, 'must provide an array');
    },
    LIMITS.dataTable.rows,
    LIMITS.dataTable.minRows,
  )(value, at, visit);
};

const chart = LIMITS.dataVisualization;
const point = object(
  { label: string(chart.label, 1), value: number(-Number.MAX_VALUE, Number.MAX_VALUE, false) },
  ['label', 'value'],
);

/** Every series has its own name and exactly one point for each category. Source: the block's reference page. */
function completeSeries(value: Json, at: string, visit: Visit): void {
  const { series, axis_config } = value as { series?: unknown; axis_config?: { categories?: unknown } };
  const categories = axis_config?.categories;
  if (!Array.isArray(series) || !Array.isArray(categories)) return;
  const wanted = [...categories].sort().join('\n');
  const names = new Set<unknown>();
  for (const [index, one] of (series as { name?: unknown; data?: unknown }[]).entries()) {
    if (names.has(one?.name)) report(visit, `${at}/series/${index}/name`, 'must be unique');
    names.add(one?.name);
    if (!Array.isArray(one?.data)) continue;
    const labels = (one.data as { label?: unknown }[]).map((given) => given?.label);
    if (labels.sort().join('\n') !== wanted)
      report(visit, `${at}/series/${index}/data`, 'must have one point for each of `categories`');
  }
}

const axisChart: Check = object(
  {
    series: list(
      object({ name: string(chart.label, 1), data: list(point, chart.categories) }, ['name', 'data']),
      chart.series,
    ),
    axis_config: object(
      {
        categories: list(string(chart.label, 1), chart.categories),
        x_label: string(chart.title),
        y_label: string(chart.title),
      },
      ['categories'],
    ),
  },
  ['series', 'axis_config'],
  completeSeries,
);

const card: Check = block(
  {
    hero_image: oneOfTypes({ image: imageElement }),
    icon: oneOfTypes({ image: imageElement }),
    title: mrkdwn(LIMITS.card.title),
    subtitle: mrkdwn(LIMITS.card.subtitle),
    body: mrkdwn(LIMITS.card.body),
    actions: list(oneOfTypes({ button }), LIMITS.actions.elements),
  },
  [],
  someOf('hero_image', 'title', 'actions', 'body'),
);

const taskCard: Check = block(
  {
    task_id: string(LIMITS.id, 1),
    title: string(LIMITS.textObject, 1),
    details: richText,
    output: richText,
    sources: list(
      oneOfTypes({
        url: object({ url: string(LIMITS.button.url, 1), text: string(LIMITS.textObject, 1) }, [
          'url',
          'text',
        ]),
      }),
      LIMITS.blocks.message,
      0,
    ),
    status: oneOf('pending', 'in_progress', 'complete', 'error'),
  },
  ['task_id', 'title', 'status'],
);

const INNER_BLOCKS: Readonly<Record<string, Check>> = {
  section: block(
    {
      text: text(LIMITS.section.text),
      fields: list(text(LIMITS.section.fieldText), LIMITS.section.fields),
      accessory: inAccessory,
      expand: boolean,
    },
    [],
    someOf('text', 'fields'),
  ),
  header: block({ text: plainText(LIMITS.header.text) }, ['text']),
  divider: block({}),
  context: block(
    {
      elements: list(
        oneOfTypes({
          image: imageElement,
          plain_text: plainText(LIMITS.textObject),
          mrkdwn: mrkdwn(LIMITS.textObject),
        }),
        LIMITS.context.elements,
      ),
    },
    ['elements'],
  ),
  actions: block({ elements: list(inActions, LIMITS.actions.elements) }, ['elements']),
  image: block({ ...imageFields, title: plainText(LIMITS.image.title) }, ['alt_text'], hasImageSource),
  input: block(
    {
      label: plainText(LIMITS.input.label),
      hint: plainText(LIMITS.input.hint),
      element: inInput,
      optional: boolean,
      dispatch_action: boolean,
    },
    ['label', 'element'],
  ),
  rich_text: block({ elements: richTextElements }, ['elements']),
  file: block({ source: oneOf('remote'), external_id: string(LIMITS.id, 1) }, ['source', 'external_id']),
  table: block(
    {
      rows: list(list(cell, LIMITS.table.columns), LIMITS.table.rows),
      column_settings: list(
        // null leaves a column as it is.
        (value, at, visit) => {
          if (value !== null)
            object({ align: oneOf('left', 'center', 'right'), is_wrapped: boolean })(value, at, visit);
        },
        LIMITS.table.columns,
        0,
      ),
    },
    ['rows'],
  ),
  video: block(
    {
      video_url: string(LIMITS.button.url, 1),
      thumbnail_url: string(LIMITS.button.url, 1),
      alt_text: string(LIMITS.image.altText, 1),
      title: plainText(LIMITS.video.title),
      title_url: string(LIMITS.button.url),
      author_name: string(LIMITS.video.authorName),
      provider_name: string(LIMITS.id),
      provider_icon_url: string(LIMITS.button.url),
      description: plainText(LIMITS.video.description),
    },
    ['video_url', 'thumbnail_url', 'alt_text', 'title'],
  ),
};

/** By type. */
export const BLOCKS: Readonly<Record<string, Check>> = {
  ...INNER_BLOCKS,
  markdown: block({ text: string(LIMITS.markdown.text, 1) }, ['text']),
  context_actions: block({ elements: list(inContextActions, LIMITS.contextActions.elements) }, ['elements']),
  data_table: block(
    {
      rows: dataRows,
      caption: string(anyLength, 1),
      page_size: number(1, LIMITS.dataTable.pageSize),
      row_header_column_index: number(0, LIMITS.dataTable.columns - 1),
    },
    ['rows', 'caption'],
  ),
  data_visualization: block(
    {
      title: string(chart.title, 1),
      chart: oneOfTypes({
        pie: object({ segments: list(point, chart.series) }, ['segments']),
        line: axisChart,
        bar: axisChart,
        area: axisChart,
      }),
    },
    ['title', 'chart'],
  ),
  card,
  carousel: block({ elements: list(oneOfTypes({ card }), LIMITS.carousel.elements) }, ['elements']),
  alert: block(
    { text: text(LIMITS.alert.text), level: oneOf('default', 'info', 'warning', 'error', 'success') },
    ['text'],
  ),
  container: block(
    {
      title: plainText(LIMITS.container.title),
      rich_text_title: richText,
      subtitle: text(LIMITS.container.subtitle),
      child_blocks: list(oneOfTypes(INNER_BLOCKS), LIMITS.container.children),
      width: oneOf('narrow', 'standard', 'wide', 'full'),
      icon: oneOfTypes({ image: imageElement }),
      is_collapsible: boolean,
      default_collapsed: boolean,
      has_header_divider: boolean,
    },
    ['child_blocks'],
    (value, at, visit) => {
      someOf('title', 'rich_text_title')(value, at, visit);
      if (value.default_collapsed === true && value.is_collapsible !== true) {
        report(visit, `${at}/default_collapsed`, 'must define `is_collapsible` to use `default_collapsed`');
      }
    },
  ),
  task_card: taskCard,
  plan: block(
    {
      title: string(LIMITS.textObject, 1),
      tasks: list(oneOfTypes({ task_card: taskCard }), LIMITS.blocks.message, 0),
    },
    ['title'],
  ),
};
