/**
 * Slack's judgement on blocks and views: every problem with its place. Covers every block of the reference,
 * its limits (`limits.ts`), which block is allowed on which surface, and unique ids.
 */
import { BLOCKS } from './blocks.ts';
import { plainText } from './composition-objects.ts';
import { LIMITS } from './limits.ts';
import {
  all,
  anything,
  boolean,
  type Check,
  isObject,
  type Json,
  list,
  object,
  oneOfTypes,
  type Problem,
  report,
  type Surface,
  string,
  type Visit,
} from './schema.ts';

export type { Problem, Surface } from './schema.ts';

/** Blocks that only some surfaces take; the others go everywhere. */
const SURFACES: Readonly<Record<string, readonly Surface[]>> = {
  markdown: ['message'],
  table: ['message'],
  data_table: ['message'],
  data_visualization: ['message'],
  context_actions: ['message'],
  task_card: ['message'],
  plan: ['message'],
  file: ['message'],
  alert: ['modal'],
};

const onSurface: Check = (value, at, visit) => {
  if (isObject(value) && typeof value.type === 'string' && Object.hasOwn(SURFACES, value.type)) {
    if (!SURFACES[value.type]?.includes(visit.surface)) {
      report(visit, `${at}/type`, `unsupported type: ${value.type}`);
      return;
    }
  }
  oneOfTypes(BLOCKS)(value, at, visit);
};

const newVisit = (surface: Surface): Visit => ({
  surface,
  problems: [],
  blockIds: new Set(),
  actionIds: new Set(),
  focused: 0,
});

/**
 * @param base the pointer of the list itself
 * @returns every problem; empty when Slack would take the blocks
 */
export function validateBlocks(blocks: unknown, surface: Surface, base = '/blocks'): Problem[] {
  const visit = newVisit(surface);
  checkBlocks(blocks, base, visit);
  return visit.problems;
}

function checkBlocks(blocks: unknown, at: string, visit: Visit): void {
  const max = visit.surface === 'message' ? LIMITS.blocks.message : LIMITS.blocks.view;
  list(onSurface, max, 0)(blocks, at, visit);
  if (!Array.isArray(blocks)) return;
  const of = (type: string): Json[] =>
    blocks.flatMap((one: unknown) => {
      if (!isObject(one)) return [];
      const inside = Array.isArray(one.child_blocks) ? one.child_blocks : [];
      return [one, ...inside].filter((inner): inner is Json => isObject(inner) && inner.type === type);
    });
  if (of('table').length > LIMITS.table.perMessage) {
    report(visit, at, 'no more than 1 table block allowed', 'only_one_table_allowed');
  }
  if (of('data_visualization').length > LIMITS.dataVisualization.perMessage)
    report(visit, at, 'too many data_visualization blocks');
  const markdownLength = of('markdown').reduce(
    (sum, { text }) => sum + (typeof text === 'string' ? text.length : 0),
    0,
  );
  if (markdownLength > LIMITS.markdown.text) {
    report(
      visit,
      at,
      `markdown blocks must be less than ${LIMITS.markdown.text + 1} characters together`,
      'msg_blocks_too_long',
    );
  }
  const tableLength = of('data_table').reduce((sum, { rows }) => sum + textLength(rows), 0);
  if (tableLength > LIMITS.dataTable.characters) {
    report(visit, at, `data tables must be less than ${LIMITS.dataTable.characters + 1} characters together`);
  }
}

/** Characters under every `text` of a value, how deep it ever lies. */
export function textLength(value: unknown): number {
  let length = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) for (const inner of next) open.push(inner);
    else if (isObject(next)) {
      for (const [key, inner] of Object.entries(next)) {
        if (key === 'text' && typeof inner === 'string') length += inner.length;
        else open.push(inner);
      }
    }
  }
  return length;
}

const viewFields = {
  blocks: anything,
  private_metadata: string(LIMITS.view.privateMetadata),
  callback_id: string(LIMITS.id),
  external_id: string(LIMITS.id),
};
const modal = object(
  {
    ...viewFields,
    title: plainText(LIMITS.modal.title),
    submit: plainText(LIMITS.modal.submit),
    close: plainText(LIMITS.modal.close),
    clear_on_close: boolean,
    notify_on_close: boolean,
    submit_disabled: boolean,
  },
  ['title', 'blocks'],
);
// Slack lets a Home view carry a modal's flags and ignores them.
const home = object({ ...viewFields, clear_on_close: boolean, notify_on_close: boolean }, ['blocks']);

/** @returns every problem of a view as `views.*` and view responses take it */
export function validateView(view: unknown, base = '/view'): Problem[] {
  const visit = newVisit(isObject(view) && view.type === 'home' ? 'home' : 'modal');
  all(oneOfTypes({ modal, home }))(view, base, visit);
  if (!isObject(view)) return visit.problems;
  if (view.blocks !== undefined) checkBlocks(view.blocks, `${base}/blocks`, visit);
  if (view.type === 'modal' && view.submit === undefined && Array.isArray(view.blocks)) {
    for (const [index, one] of view.blocks.entries()) {
      if (isObject(one) && one.type === 'input') {
        report(
          visit,
          `${base}/blocks/${index}/input`,
          'must define `submit` to use an `input` block in modals',
        );
      }
    }
  }
  return visit.problems;
}
