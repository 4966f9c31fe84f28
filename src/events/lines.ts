/** Who handles which events, where several instances run. */
import type { AwsEventKind } from '../domain/aws-events.ts';

/**
 * `any`: any instance handles it, since all that it needs is in the store. `one`: the one that watches. Events of jobs
 * are only a reason to ask SageMaker, which answers a few questions a second in each account however many ask, and the
 * order in which they are asked (operations/confirm-jobs.ts) takes one that sees them all.
 */
const LINES: Readonly<Record<AwsEventKind, 'any' | 'one'>> = {
  training: 'one',
  step: 'one',
  batch: 'one',
  compilation: 'one',
  alarm: 'any',
  'model-package': 'any',
  'endpoint-deployment': 'any',
  deployment: 'any',
  'installed-component': 'any',
};

const handledBy = (line: 'any' | 'one'): ReadonlySet<AwsEventKind> =>
  new Set((Object.keys(LINES) as AwsEventKind[]).filter((kind) => LINES[kind] === line));

export const HANDLED_BY_ANY = handledBy('any');
export const HANDLED_BY_ONE = handledBy('one');

/** Whether word of an event concerns those who handle such kinds. Earlier versions did not say the kind. */
export const concerns = (kinds: ReadonlySet<AwsEventKind>, { kind }: { kind?: unknown }): boolean =>
  kind === undefined || kinds.has(kind as AwsEventKind);
