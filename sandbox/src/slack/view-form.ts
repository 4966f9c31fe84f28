/** A view's fields: what a script enters into them, and which of them are wrong. */
import { isObject, type Json } from '../block-kit/schema.ts';
import { HttpError } from './http.ts';
import { choose, findElement, inputError } from './inputs.ts';
import type { StoredView, Views } from './views.ts';

/**
 * Takes Slack's own `state.values`; for scripts also `{ block: { action: "plain value" } }` and
 * `{ action: "plain value" }`.
 * @param offered what the app last offered for a typeahead
 * @throws HttpError 400 naming the element or value that is unknown
 */
export function enterValues(
  views: Views,
  view: StoredView,
  values: unknown,
  offered: (action: string) => readonly Json[],
): void {
  if (!isObject(values)) throw new HttpError(400, 'invalid_values', '`values` must be an object.');
  const one = (action: string, value: unknown, block?: string): void => {
    const found = findElement(view.blocks, action, block);
    if (found === undefined) {
      throw new HttpError(
        400,
        'unknown_element',
        `The view has no element ${[block, action].filter(Boolean).join('/')}.`,
      );
    }
    const choice = choose(found.element, value, () => offered(action));
    if (choice === undefined) {
      throw new HttpError(400, 'invalid_option', `${action} has no option ${JSON.stringify(value)}.`);
    }
    views.enter(view, String(found.block.block_id), action, choice);
  };
  for (const [key, inner] of Object.entries(values)) {
    const isBlock = view.blocks.some((block) => block.block_id === key);
    if (isBlock && isObject(inner))
      for (const [action, value] of Object.entries(inner)) one(action, value, key);
    else one(key, inner);
  }
}

/** Errors by block id, as Slack's own client finds them before the app is asked. */
export function fieldErrors(view: StoredView): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const block of view.blocks) {
    if (block.type !== 'input' || !isObject(block.element)) continue;
    const value = view.state.values[String(block.block_id)]?.[String(block.element.action_id)];
    const problem = inputError(block, value);
    if (problem !== undefined) errors[String(block.block_id)] = problem;
  }
  return errors;
}
