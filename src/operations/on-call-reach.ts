/** Who is called for an alert: an on-call level's people, or their stand-ins if the level is empty. */
import type { AlertCall } from '../domain/alerts.ts';
import { onCallAt } from '../domain/on-call.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { Directory } from '../ports/directory.ts';

export interface OnCallDeps {
  directory: Pick<Directory, 'membersOf'>;
  /** Signalbox's own admins: called when a use case has none. */
  admins: readonly string[];
  onError: (error: unknown, context: { alert?: string; doing: string }) => void;
}

/**
 * Whom to call from a level upwards. Levels whose groups are empty are skipped. After the last level come the use case's
 * admins, or Signalbox's own if it has none.
 * @param from the first level to try, from 0
 * @returns the level that was reached, and the empty user groups; nobody if there is no on-call
 */
export async function reachOnCall(
  deps: OnCallDeps,
  useCase: UseCase,
  from: number,
  at: EpochMs,
): Promise<Pick<AlertCall, 'level' | 'to' | 'empty'>> {
  const levels = useCase.onCall?.levels.length ?? 0;
  if (levels === 0) return { level: 0, to: [], empty: [] };
  const empty: string[] = [];
  for (let level = from; level < levels; level += 1) {
    const people = onCallAt(useCase.onCall, level, at);
    const there = await Promise.all(people.map((one) => isSomebody(deps, one)));
    const to = people.filter((_, index) => there[index]);
    empty.push(...people.filter((_, index) => !there[index]));
    if (to.length > 0) return { level, to, empty };
  }
  const own = (useCase.access.admin ?? []).filter((one) => /^[UWS][A-Z0-9]+$/.test(one));
  return { level: levels, to: [...(own.length > 0 ? own : deps.admins)], empty };
}

/** Whether a mention of this user or user group reaches anybody. */
async function isSomebody({ directory, onError }: OnCallDeps, id: string): Promise<boolean> {
  if (!id.startsWith('S') || !directory.membersOf) return true;
  try {
    return (await directory.membersOf(id)).length > 0;
  } catch (error) {
    // Better a mention that may reach nobody than none.
    onError(error, { doing: `looking who is in ${id}` });
    return true;
  }
}
