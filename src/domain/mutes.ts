/** Names that raise no alert for a while. */

import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { GLOB_LIMIT, globMatches } from './name-glob.ts';

/** What is to raise no alert: one job, or all names that match a pattern. */
export interface Mute {
  id: string;
  useCase: string;
  /** A job's name, or a pattern with `*` and `?`. */
  pattern: string;
  by: Actor;
  at: EpochMs;
  /** Left out: until it is taken back. */
  until?: EpochMs | undefined;
}

/** @throws AppError invalid_input for a pattern of no or too many characters, or that mutes everything */
export function checkMutePattern(pattern: string): string {
  const trimmed = pattern.trim();
  if (trimmed !== '' && trimmed.length <= GLOB_LIMIT && /[^*?\s]/.test(trimmed)) return trimmed;
  throw new AppError('invalid_input', 'This pattern cannot be muted.', {
    hint: `Give a job's name or 1 to ${GLOB_LIMIT} characters with * for any characters, and at least one letter or digit: train-resnet-*.`,
  });
}

export function isMuted(
  mutes: readonly Mute[],
  subject: { useCase: string; name: string },
  at: EpochMs,
): boolean {
  return mutes.some(
    ({ useCase, pattern, until }) =>
      useCase === subject.useCase &&
      (until === undefined || at < until) &&
      globMatches(pattern, subject.name),
  );
}
