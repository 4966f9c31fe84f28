/** What all stores refuse, in the same words. */
import { AppError } from '../ground/errors.ts';

/** `change` turned it into a different record: a bug. */
export function requireSame(what: string, before: readonly string[], after: readonly string[]): void {
  if (before.every((part, index) => part === after[index])) return;
  throw new AppError(
    'internal',
    `A change of the ${what} ${JSON.stringify(before)} made it ${JSON.stringify(after)}.`,
  );
}

export const attemptExists = (id: string): AppError =>
  new AppError('conflict', `There is already a compilation attempt ${id}.`, {
    hint: 'Try again: every attempt gets a new id.',
  });

export const noAttempt = (id: string): AppError =>
  new AppError('not_found', `There is no compilation attempt ${id}.`, {
    hint: 'Look at the history of the job: it lists every attempt.',
  });

export const componentExists = ({ name, version }: { name: string; version: string }): AppError =>
  new AppError('conflict', `There is already a component ${name} ${version}.`, {
    hint: 'Package it again: it gets the next free version.',
  });

export const noComponent = ({ name, version }: { name: string; version: string }): AppError =>
  new AppError('not_found', `There is no component ${name} ${version}.`, {
    hint: 'Look at the list of components for its name and versions.',
  });

export const noAlert = (): AppError =>
  new AppError('not_found', 'This alert is not there any more.', {
    hint: 'Resolved alerts are kept for half a year. The Home tab of Signalbox lists the open ones.',
  });

export const otherAlert = (key: object): AppError =>
  new AppError('internal', `A change of the alert of ${JSON.stringify(key)} made it another one.`);
