import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/block-kit/limits.ts';
import { type Surface, validateBlocks, validateView } from '../../src/block-kit/validate.ts';
import type { SandboxChannel } from '../../src/protocol.ts';
import { Views } from '../../src/slack/views.ts';
import { Workspace } from '../../src/slack/workspace.ts';

const plain = (length: number) => ({ type: 'plain_text', text: 'x'.repeat(length) });
const mrkdwn = (length: number) => ({ type: 'mrkdwn', text: 'x'.repeat(length) });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const option = (at = 0) => ({ text: plain(3), value: `v${at}` });
const raw = (length = 1) => ({ type: 'raw_text', text: 'x'.repeat(length) });
const button = (more: object = {}) => ({ type: 'button', text: plain(2), ...more });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const input = (element: object, more: object = {}) => ({ type: 'input', label: plain(1), element, ...more });
const dataTable = (rows: number, columns: number, length = 1) => ({
  type: 'data_table',
  caption: 'Jobs',
  rows: times(rows, () => times(columns, () => raw(length))),
});
const chart = (series: number, categories: number, label = 3) => ({
  type: 'data_visualization',
  title: 'Loss',
  chart: {
    type: 'line',
    series: times(series, (at) => ({
      name: `${at}`,
      data: times(categories, (point) => ({ label: `${point}`.padEnd(label, 'l'), value: point / 3 })),
    })),
    axis_config: { categories: times(categories, (point) => `${point}`.padEnd(label, 'l')) },
  },
});

/** [what, the limit, a block (or blocks) of that size, where the problem is, surface] */
type Row = [
  what: string,
  limit: number,
  make: (size: number) => object | object[],
  at: string,
  surface?: Surface,
];

const LIMITED: Row[] = [
  ['blocks of a message', 50, (n) => times(n, () => ({ type: 'divider' })), '/blocks'],
  ['blocks of a modal', 100, (n) => times(n, () => ({ type: 'divider' })), '/blocks', 'modal'],
  ['section text', 3000, (n) => ({ type: 'section', text: mrkdwn(n) }), '/blocks/0/text/text'],
  ['section fields', 10, (n) => ({ type: 'section', fields: times(n, () => plain(1)) }), '/blocks/0/fields'],
  ['a field', 2000, (n) => ({ type: 'section', fields: [mrkdwn(n)] }), '/blocks/0/fields/0/text'],
  ['header', 150, (n) => ({ type: 'header', text: plain(n) }), '/blocks/0/text/text'],
  [
    'context elements',
    10,
    (n) => ({ type: 'context', elements: times(n, () => mrkdwn(1)) }),
    '/blocks/0/elements',
  ],
  ['actions', 25, (n) => actions(...times(n, () => button())), '/blocks/0/elements'],
  ['button text', 75, (n) => actions(button({ text: plain(n) })), '/blocks/0/elements/0/text/text'],
  ['button value', 2000, (n) => actions(button({ value: 'x'.repeat(n) })), '/blocks/0/elements/0/value'],
  ['button url', 3000, (n) => actions(button({ url: 'x'.repeat(n) })), '/blocks/0/elements/0/url'],
  ['action_id', 255, (n) => actions(button({ action_id: 'x'.repeat(n) })), '/blocks/0/elements/0/action_id'],
  ['block_id', 255, (n) => ({ type: 'divider', block_id: 'x'.repeat(n) }), '/blocks/0/block_id'],
  [
    'options',
    100,
    (n) => actions({ type: 'static_select', options: times(n, option) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'overflow options',
    5,
    (n) => actions({ type: 'overflow', options: times(n, option) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'checkboxes',
    10,
    (n) => actions({ type: 'checkboxes', options: times(n, option) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'radio',
    10,
    (n) => actions({ type: 'radio_buttons', options: times(n, option) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'option text',
    75,
    (n) => actions({ type: 'overflow', options: [{ ...option(), text: plain(n) }] }),
    '/blocks/0/elements/0/options/0/text/text',
  ],
  [
    'option value',
    150,
    (n) => actions({ type: 'overflow', options: [{ ...option(), value: 'x'.repeat(n) }] }),
    '/blocks/0/elements/0/options/0/value',
  ],
  [
    'placeholder',
    150,
    (n) => actions({ type: 'users_select', placeholder: plain(n) }),
    '/blocks/0/elements/0/placeholder/text',
  ],
  [
    'confirm title',
    100,
    (n) =>
      actions(button({ confirm: { title: plain(n), text: plain(1), confirm: plain(1), deny: plain(1) } })),
    '/blocks/0/elements/0/confirm/title/text',
  ],
  [
    'confirm text',
    300,
    (n) =>
      actions(button({ confirm: { title: plain(1), text: mrkdwn(n), confirm: plain(1), deny: plain(1) } })),
    '/blocks/0/elements/0/confirm/text/text',
  ],
  [
    'input label',
    2000,
    (n) => input({ type: 'plain_text_input' }, { label: plain(n) }),
    '/blocks/0/label/text',
    'modal',
  ],
  ['markdown', 12_000, (n) => ({ type: 'markdown', text: 'x'.repeat(n) }), '/blocks/0/text'],
  ['table rows', 100, (n) => ({ type: 'table', rows: times(n, () => [raw()]) }), '/blocks/0/rows'],
  ['table columns', 20, (n) => ({ type: 'table', rows: [times(n, () => raw())] }), '/blocks/0/rows/0'],
  ['data table rows', 101, (n) => dataTable(n, 1), '/blocks/0/rows'],
  ['data table columns', 20, (n) => dataTable(2, n), '/blocks/0/rows/0'],
  ['data table text', 10_000, (n) => ({ ...dataTable(2, 1), rows: [[raw(n - 1)], [raw(1)]] }), '/blocks'],
  ['chart series', 12, (n) => chart(n, 2), '/blocks/0/chart/series'],
  ['chart categories', 20, (n) => chart(1, n), '/blocks/0/chart/axis_config/categories'],
  ['chart labels', 20, (n) => chart(1, 1, n), '/blocks/0/chart/series/0/data/0/label'],
  ['chart title', 50, (n) => ({ ...chart(1, 1), title: 'x'.repeat(n) }), '/blocks/0/title'],
  ['charts of a message', 2, (n) => times(n, () => chart(1, 1)), '/blocks'],
  ['tables of a message', 1, (n) => times(n, () => ({ type: 'table', rows: [[raw()]] })), '/blocks'],
  ['card title', 150, (n) => ({ type: 'card', title: mrkdwn(n) }), '/blocks/0/title/text'],
  ['card body', 200, (n) => ({ type: 'card', body: mrkdwn(n) }), '/blocks/0/body/text'],
  [
    'carousel',
    10,
    (n) => ({ type: 'carousel', elements: times(n, () => ({ type: 'card', title: mrkdwn(1) })) }),
    '/blocks/0/elements',
  ],
  ['alert', 200, (n) => ({ type: 'alert', text: plain(n) }), '/blocks/0/text/text', 'modal'],
  [
    'container children',
    10,
    (n) => ({ type: 'container', title: plain(1), child_blocks: times(n, () => ({ type: 'divider' })) }),
    '/blocks/0/child_blocks',
  ],
  [
    'container title',
    150,
    (n) => ({ type: 'container', title: plain(n), child_blocks: [{ type: 'divider' }] }),
    '/blocks/0/title/text',
  ],
  [
    'image alt text',
    2000,
    (n) => ({ type: 'image', image_url: 'u', alt_text: 'x'.repeat(n) }),
    '/blocks/0/alt_text',
  ],
];

describe('[O7] Block Kit limits', () => {
  it.each(LIMITED)(
    '%s: %i, and the place of what goes beyond',
    (_what, limit, make, at, surface = 'message') => {
      const blocks = (size: number) => [make(size)].flat();
      expect(validateBlocks(blocks(limit), surface)).toEqual([]);
      fc.assert(
        fc.property(fc.integer({ min: limit + 1, max: limit * 2 + 5 }), (size) => {
          expect(validateBlocks(blocks(size), surface).map(({ pointer }) => pointer)).toContain(at);
        }),
        { numRuns: limit > 5000 ? 20 : 100 },
      );
    },
  );

  it('accepts what fits, at random sizes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...LIMITED), fc.double({ min: 0, max: 1, noNaN: true }), (row, part) => {
        const [, limit, make, , surface = 'message'] = row;
        // The least that all of them allow is two: a data table has a header and a row.
        const size = Math.min(limit, Math.max(2, Math.floor(limit * part)));
        expect(validateBlocks([make(size)].flat(), surface)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('[O7] Block Kit validation', () => {
  const messages = (blocks: unknown, surface: Surface = 'message') =>
    validateBlocks(blocks, surface).map(({ message, pointer }) => `${message} ${pointer}`);

  const line = (...series: object[]) => ({
    type: 'data_visualization',
    title: 'Loss',
    chart: { type: 'line', series, axis_config: { categories: ['1', '2'] } },
  });
  const point = (label: string, value = 1) => ({ label, value });

  it.each([
    ['a category without a point', line({ name: 'a', data: [point('1')] }), '/series/0/data'],
    ['a point of no category', line({ name: 'a', data: [point('1'), point('3')] }), '/series/0/data'],
    ['two points for one', line({ name: 'a', data: [point('1'), point('1')] }), '/series/0/data'],
    [
      'two series of one name',
      line({ name: 'a', data: [point('1'), point('2')] }, { name: 'a', data: [point('1'), point('2')] }),
      '/series/1/name',
    ],
  ])('refuses a chart with %s', (_, block, at) => {
    expect(validateBlocks([block], 'message').map(({ pointer }) => pointer)).toEqual([
      `/blocks/0/chart${at}`,
    ]);
    expect(validateBlocks([line({ name: 'a', data: [point('2'), point('1')] })], 'message')).toEqual([]);
  });

  it('never throws, whatever it is given', () => {
    const types = fc.constantFrom(
      'section',
      'actions',
      'input',
      'data_table',
      'container',
      'rich_text',
      'modal',
      '',
    );
    const block = fc.record({
      type: types,
      elements: fc.jsonValue(),
      text: fc.jsonValue(),
      rows: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(fc.oneof(block, fc.jsonValue()))), (value) => {
        for (const surface of ['message', 'modal', 'home'] as const) validateBlocks(value, surface);
        validateView(value);
        validateView({ type: 'modal', blocks: value, title: value });
      }),
      { numRuns: 500 },
    );
  });

  it('is not fooled by names that every object has', () => {
    expect(messages([{ type: 'constructor' }])).toEqual(['unsupported type: constructor /blocks/0/type']);
    expect(messages([{ type: 'divider', toString: 1 }])).toEqual([
      'invalid additional property: toString /blocks/0',
    ]);
  });

  it('knows which block may stand on which surface', () => {
    expect(messages([{ type: 'alert', text: plain(1) }])).toEqual(['unsupported type: alert /blocks/0/type']);
    expect(messages([{ type: 'markdown', text: 'x' }], 'home')).toEqual([
      'unsupported type: markdown /blocks/0/type',
    ]);
    expect(messages([input({ type: 'plain_text_input' })], 'home')).toEqual([]);
  });

  it('wants unique ids: of blocks in a message, of elements in a block', () => {
    expect(
      messages([
        { type: 'divider', block_id: 'a' },
        { type: 'divider', block_id: 'a' },
      ]),
    ).toEqual(['`block_id` "a" already exists /blocks/1/block_id']);
    const twice = actions(button({ action_id: 'a' }), button({ action_id: 'a' }));
    expect(messages([twice])).toEqual(['`action_id` "a" already exists /blocks/0/elements/1/action_id']);
    expect(messages([actions(button({ action_id: 'a' })), actions(button({ action_id: 'a' }))])).toEqual([]);
  });

  it('reports every problem, not the first only', () => {
    expect(messages([{ type: 'header' }, { type: 'section' }, { type: 'section', text: plain(0) }])).toEqual([
      'missing required field: text /blocks/0',
      'must define one of: `text`, `fields` /blocks/1',
      'must be more than 0 characters /blocks/2/text/text',
    ]);
  });

  it('checks that what is preselected is offered', () => {
    const select = { type: 'static_select', options: [option(1)], initial_option: option(2) };
    expect(messages([actions(select)])).toEqual([
      'must match one of the options provided /blocks/0/elements/0/initial_option',
    ]);
  });

  it('checks views: title, submit for inputs, private_metadata', () => {
    const view = { type: 'modal', title: plain(25), blocks: [input({ type: 'plain_text_input' })] };
    expect(validateView(view).map(({ message, pointer }) => `${message} ${pointer}`)).toEqual([
      'must be less than 25 characters /view/title/text',
      'must define `submit` to use an `input` block in modals /view/blocks/0/input',
    ]);
    const metadata = {
      type: 'home',
      blocks: [],
      private_metadata: 'x'.repeat(LIMITS.view.privateMetadata + 1),
    };
    expect(validateView(metadata)).toMatchObject([{ pointer: '/view/private_metadata' }]);
    expect(validateView({ type: 'modal', title: plain(24), blocks: [] })).toEqual([]);
  });

  it('lets at most three views lie on each other', () => {
    const world = { users: [], channels: [] as SandboxChannel[], userGroups: [] };
    const views = new Views(new Workspace(world, { now: () => 0 }));
    const view = { type: 'modal', title: plain(1), blocks: [] };
    views.open('U0ADA', view);
    views.push('U0ADA', view);
    views.push('U0ADA', view);
    expect(() => views.push('U0ADA', view)).toThrow('push_limit_reached');
    views.pop('U0ADA');
    expect(views.stack('U0ADA')).toHaveLength(2);
  });
});
