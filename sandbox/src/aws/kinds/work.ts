/**
 * Something that SageMaker runs: a job, an endpoint, a cluster. It is a list of dated changes, some of them in the
 * future; what it is now is read from the clock, so that it goes on without timers.
 */
import type { EpochMs } from '../../time.ts';
import type { LogStreamSeed } from '../log-store.ts';

export interface WorkTransition {
  at: EpochMs;
  /** In the service's own words and case: `InProgress`, `Executing`, `InService`, … */
  status: string;
  /** `Starting`, `Downloading`, …; of kinds that have none it only tells when the work itself began. */
  secondary?: string;
  /** What the service says of it where it says something. */
  message?: string;
}

export interface WorkSeed {
  name: string;
  /** Ascending; the first is the creation. */
  transitions: readonly WorkTransition[];
  /** Told once it has failed. */
  failureReason?: string;
  /** Members of its description, as the service's model has them; in place of what stands there otherwise. */
  details?: Readonly<Record<string, unknown>>;
  /** Those that it has only once it has ended. */
  outcome?: Readonly<Record<string, unknown>>;
  tags?: Readonly<Record<string, string>>;
  /** In the log group of its kind, which is there from the first of them on. */
  streams?: readonly LogStreamSeed[];
  /** EventBridge hears nothing of it. */
  untold?: boolean;
}

/** Kept, and changed by whoever stops it. */
export type Work<S extends WorkSeed = WorkSeed> = S & {
  transitions: readonly WorkTransition[];
  tags: Record<string, string>;
};

export interface WorkState<T extends WorkTransition = WorkTransition> {
  /** All changes so far. */
  reached: T[];
  status: T['status'];
  secondary: T['secondary'];
  createdAt: EpochMs;
  changedAt: EpochMs;
  /** When the machines were there and the work itself began. */
  startedAt: EpochMs | undefined;
  endedAt: EpochMs | undefined;
}

/**
 * @param ends the statuses after which nothing comes by itself
 * @param begun the secondary statuses that mean that the work itself has begun
 */
export function stateOf<T extends WorkTransition>(
  { transitions }: { transitions: readonly T[] },
  now: EpochMs,
  { ends, begun = [] }: { ends: readonly string[]; begun?: readonly string[] },
): WorkState<T> {
  const reached: T[] = [];
  // Ascending, so what follows is to come as well.
  for (const transition of transitions) {
    if (transition.at > now) break;
    reached.push(transition);
  }
  const latest = reached.at(-1)!;
  return {
    reached,
    status: latest.status,
    secondary: latest.secondary,
    createdAt: transitions[0]!.at,
    changedAt: latest.at,
    startedAt: reached.find(({ secondary }) => secondary !== undefined && begun.includes(secondary))?.at,
    endedAt: ends.includes(latest.status) ? latest.at : undefined,
  };
}

/** AWS JSON carries times as seconds with a fraction. */
export const seconds = (at: EpochMs): number => at / 1000;

/** A time member that is left out while there is no time for it. */
export const timeMember = (name: string | undefined, at: EpochMs | undefined): Record<string, number> =>
  name === undefined || at === undefined ? {} : { [name]: seconds(at) };

/** `SecondaryStatusTransitions`, of those kinds that have them. */
export function secondaryTransitions(
  { reached }: WorkState,
  ends: readonly string[],
  messages: Readonly<Record<string, string>>,
): Record<string, unknown>[] {
  return reached.map((transition, index) => {
    const secondary = transition.secondary ?? transition.status;
    const end = reached[index + 1]?.at ?? (ends.includes(transition.status) ? transition.at : undefined);
    return {
      Status: secondary,
      StartTime: seconds(transition.at),
      ...timeMember('EndTime', end),
      StatusMessage: transition.message ?? messages[secondary] ?? secondary,
    };
  });
}

/** Those of the members that are there. */
export const picked = (
  from: Readonly<Record<string, unknown>>,
  members: readonly string[],
): Record<string, unknown> => {
  const found: Record<string, unknown> = {};
  for (const member of members) if (member in from) found[member] = from[member];
  return found;
};
