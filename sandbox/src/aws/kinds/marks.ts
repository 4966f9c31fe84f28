/** One change may be told by two events; each has a mark of its own, which is the same object always. */

const seconds = new WeakMap<object, object>();

/** @param change the mark of the first event */
export function secondMark(change: object): object {
  const mark = seconds.get(change) ?? {};
  seconds.set(change, mark);
  return mark;
}
