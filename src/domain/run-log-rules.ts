/** What every store of run logs asks of its callers, in one place so that all say the same. */
import { AppError } from '../ground/errors.ts';

/** Of a cursor and a note, as JSON. */
export const MAX_CURSOR_BYTES = 14 * 1024;
export const MAX_NOTE_BYTES = 1_000;

/** @throws AppError invalid_input */
export function requireOffset(offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  throw new AppError('invalid_input', `${offset} is not an offset in a log: it is a whole number from 0 on.`);
}

/** @throws AppError invalid_input */
export function requireGap(from: number, to: number): void {
  requireOffset(from);
  requireOffset(to);
  if (to < from)
    throw new AppError('invalid_input', `A gap of a log ends at byte ${to}, before it begins at ${from}.`);
}

/** @param limit bytes that are to be read at most @throws AppError invalid_input */
export function requireLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return;
  throw new AppError('invalid_input', `A log is read by 1 byte or more at a time, not by ${limit}.`);
}

/** @throws AppError invalid_input: the offset is beyond the end */
export function requireWithin({ id, size }: { id: string; size: number }, offset: number): void {
  if (offset <= size) return;
  throw new AppError('invalid_input', `The log of ${id} has ${size} bytes, and none at ${offset}.`, {
    hint: `Read from 0 to ${size}.`,
  });
}

/** @throws AppError invalid_input */
export function requireCursor(cursor: string | undefined): void {
  if (cursor === undefined || Buffer.byteLength(JSON.stringify(cursor)) <= MAX_CURSOR_BYTES) return;
  throw new AppError(
    'invalid_input',
    `A cursor is at most ${MAX_CURSOR_BYTES} bytes as JSON, and this one has ${cursor.length} characters.`,
  );
}

/**
 * @returns bytes at the beginning that are always kept, in whole chunks
 * @throws AppError invalid_input: the cap does not leave room for the head and two chunks
 */
export function wholeHead({
  cap,
  head,
  chunkBytes,
}: {
  cap: number;
  head: number;
  chunkBytes: number;
}): number {
  const whole = Math.ceil(head / chunkBytes) * chunkBytes;
  const least = whole + 2 * chunkBytes;
  if (cap >= least) return whole;
  throw new AppError(
    'invalid_input',
    `A run's log is capped at ${cap} bytes, but at least ${least} are needed.`,
    { hint: 'Raise the cap.' },
  );
}

/** Whole characters that fit, the last of them saying that it was cut. */
export function fittingNote(note: string): string | undefined {
  const fits = (text: string): boolean => Buffer.byteLength(JSON.stringify(text)) <= MAX_NOTE_BYTES;
  if (note === '') return undefined;
  if (fits(note)) return note;
  const characters = [...note.slice(0, MAX_NOTE_BYTES)];
  while (!fits(`${characters.join('')}…`)) characters.pop();
  return `${characters.join('')}…`;
}

export function noLog(id: string): AppError {
  return new AppError('not_found', `There is no log of a run ${id}.`, {
    hint: 'It was removed, or the run has not begun.',
  });
}

/** Nothing is taken any more. */
export const logsClosed = (): AppError =>
  new AppError('unavailable', 'The logs of runs are closed: Signalbox is stopping.');
