/**
 * Alerts: failures that somebody must acknowledge. Every transition is pure, refuses what no longer makes sense and
 * says how things are, and adds an entry to the alert's trail. If nothing changes it returns the same object, so that
 * a click that arrives twice is reported once.
 */

import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { FailureAdvice } from './failure-tables.ts';
import type { ProviderName } from './providers.ts';

export type AlertKind = 'training' | 'compilation' | 'component' | 'deployment' | 'alarm' | 'stuck';
export type AlertState = 'open' | 'acknowledged' | 'resolved';

/** One thing that failed. An alert has several when they failed for one cause. */
export interface AlertSubject {
  /** What identifies this failure, so that it is counted once: a job's ARN, an attempt's id. */
  id: string;
  /** What people call it: the job's name. */
  name: string;
  /** The training job it belongs to. */
  job?: string | undefined;
  /** What has to succeed later to resolve it: `modelName(job)`, with the target if it is about one. */
  pipeline?: string | undefined;
  target?: string | undefined;
  at: EpochMs;
  /** Its page at the provider. */
  console?: string | undefined;
  /** Whose pages those are: "Open in …". Left out: AWS's. */
  site?: string | undefined;
  /** Of a training: where it ran. Left out: on SageMaker, as in earlier versions. */
  provider?: ProviderName | undefined;
  /** Its run could be opened in the viewer. */
  canOpen?: boolean | undefined;
  /** Resolved by a later success. */
  succeededAt?: EpochMs | undefined;
  /** A state of its pipeline, not an event: reported again before it is resolved, it is not another failure. */
  lasting?: boolean | undefined;
  /** This one's cause in short, if the alert's subjects failed for different ones; from outside. */
  cause?: string | undefined;
}

export type AlertAction =
  | 'opened'
  | 'joined'
  | 'acknowledged'
  | 'snoozed'
  | 'woken'
  | 'passed'
  | 'escalated'
  | 'muted'
  | 'retried'
  | 'retry ended'
  | 'resolved';

export interface AlertEntry {
  at: EpochMs;
  action: AlertAction;
  /** Left out: by itself. */
  by?: Actor | undefined;
  detail?: Readonly<Record<string, string | number>> | undefined;
}

/** `unfounded`: what an event said turned out not to be so. */
export type ResolvedWhy = 'succeeded' | 'closed' | 'muted' | 'unfounded';

export interface Alert {
  id: string;
  useCase: string;
  /** One cause: at most one alert of a group is unresolved. */
  group: string;
  kind: AlertKind;
  title: string;
  /** From outside: to be masked and neutralised where it is shown. */
  cause: string;
  /** Oldest first, never empty; at most `SUBJECTS_KEPT`. */
  subjects: readonly AlertSubject[];
  /** All that ever joined, including those that are not kept. */
  count: number;
  state: AlertState;
  openedAt: EpochMs;
  /** When the last one joined. */
  joinedAt?: EpochMs | undefined;
  /** In a flood: grouped by one cause whatever it hits, or by one kind whatever the cause. */
  spread?: 'cause' | 'kind' | undefined;
  /** The whole list is in its thread as a file: how many entries, and since when. */
  listed?: { count: number; at: EpochMs } | undefined;
  /** On-call level that was told last; 0 is the first. */
  level: number;
  /** When the next level is to be told, or the snooze ends. Undefined: nothing is due. */
  dueAt?: EpochMs | undefined;
  snoozedUntil?: EpochMs | undefined;
  acknowledged?: { by: Actor; at: EpochMs } | undefined;
  resolved?: { by?: Actor | undefined; at: EpochMs; why: ResolvedWhy } | undefined;
  /** To whom it was passed: a user. */
  assignee?: string | undefined;
  /** Oldest first; who did what. */
  trail: readonly AlertEntry[];
  /** Whom it called, oldest first. */
  calls?: readonly AlertCall[] | undefined;
  /** Cause and fix from the failure tables. */
  advice?: FailureAdvice | undefined;
  /** Last lines of the log of what failed first; secrets masked. */
  excerpt?: AlertExcerpt | undefined;
  /** How often that log was read without finding anything to show. */
  emptyReads?: number | undefined;
  /** It rests on an event alone, because the service could not be asked: why. */
  unconfirmed?: string | undefined;
  /** What its buttons act on; left out where there is no job behind it. */
  job?: string | undefined;
  /** What people started to resolve it, oldest first (domain/alert-retries.ts). */
  retries?: readonly AlertRetry[] | undefined;
}

export interface AlertRetry {
  /** The new training job, the compilation job, or a component's name and version. */
  as: string;
  by: Actor;
  at: EpochMs;
  /** Of what it repeats. */
  job: string;
  target?: string | undefined;
  pipeline: string;
  /** Left out: still going on, as far as is known. */
  ended?: { at: EpochMs; how: 'succeeded' | 'failed' | 'stopped' | 'not started' } | undefined;
}

export interface AlertExcerpt {
  /** Short name of the stream. */
  stream: string;
  text: string;
  kind: 'traceback' | 'last lines';
}

/** Users and groups that were told at one time. */
export interface AlertCall {
  at: EpochMs;
  why: 'opened' | 'escalated' | 'woken' | 'passed';
  level: number;
  /** Empty: nobody could be told. */
  to: readonly string[];
  /** User groups of a level that had nobody in them, so the next level was told. */
  empty: readonly string[];
}

/** Subjects that an alert remembers, more than the largest event has components; any more are only counted. */
export const SUBJECTS_KEPT = 10_000;
/** Entries of a trail; the first and the newest ones stay. */
const TRAIL_KEPT = 100;

export interface EscalationRule {
  /** How many levels the on-call has; 0: nobody is called. */
  levels: number;
  afterMs: number;
}

export function openAlert(
  facts: Pick<
    Alert,
    'id' | 'useCase' | 'group' | 'kind' | 'title' | 'cause' | 'advice' | 'unconfirmed' | 'job'
  > & {
    subject: AlertSubject;
    spread?: Alert['spread'];
  },
  at: EpochMs,
  rule: EscalationRule,
): Alert {
  const { subject, ...rest } = facts;
  return {
    ...rest,
    subjects: [subject],
    count: 1,
    state: 'open',
    openedAt: at,
    level: 0,
    dueAt: nextDue(at, 0, rule),
    trail: [{ at, action: 'opened', detail: { subject: subject.name } }],
  };
}

/** One more failure of the same cause. */
export function joinAlert(alert: Alert, subject: AlertSubject, at: EpochMs): Alert {
  return joinAll(alert, [subject], at);
}

/** More failures of the same cause, each counted once. */
export function joinAll(alert: Alert, more: readonly AlertSubject[], at: EpochMs): Alert {
  if (alert.state === 'resolved') return alert;
  const ids = new Set(alert.subjects.map(({ id }) => id));
  const bad = new Set(
    alert.subjects.filter((one) => one.succeededAt === undefined).map(({ pipeline }) => pipeline),
  );
  const joining = more.filter(({ id, lasting, pipeline }) => {
    if (ids.has(id) || (lasting && bad.has(pipeline))) return false;
    ids.add(id);
    bad.add(pipeline);
    return true;
  });
  const [first] = joining;
  if (!first) return alert;
  // The page in the console is that of the first one of all.
  const subjects = [...alert.subjects, ...joining.map(({ console: _, site: __, ...subject }) => subject)];
  const over = subjects.length - SUBJECTS_KEPT;
  return withEntry(
    {
      ...alert,
      subjects: over > 0 ? withoutSome(subjects, over) : subjects,
      count: alert.count + joining.length,
      joinedAt: at,
    },
    {
      at,
      action: 'joined',
      detail: { subject: first.name, ...(joining.length > 1 ? { more: joining.length - 1 } : {}) },
    },
  );
}

/** The oldest resolved ones go first; otherwise the newest are only counted. */
function withoutSome(subjects: readonly AlertSubject[], count: number): AlertSubject[] {
  let left = count;
  const kept = subjects.filter(({ succeededAt }) => succeededAt === undefined || left-- <= 0);
  return kept.slice(0, SUBJECTS_KEPT);
}

/** @throws AppError conflict when it is resolved */
export function acknowledge(alert: Alert, by: Actor, at: EpochMs): Alert {
  requireUnresolved(alert);
  if (alert.state === 'acknowledged') return alert;
  return withEntry(
    { ...alert, state: 'acknowledged', acknowledged: { by, at }, snoozedUntil: undefined, dueAt: undefined },
    { at, action: 'acknowledged', by },
  );
}

/** Nobody is called until then; after that the same level is called again. @throws AppError conflict, invalid_input */
export function snooze(alert: Alert, by: Actor, until: EpochMs, at: EpochMs): Alert {
  requireUnresolved(alert);
  if (until <= at)
    throw new AppError('invalid_input', 'The time to wake up has passed already.', {
      hint: 'Choose a time that is still to come.',
    });
  if (alert.snoozedUntil === until) return alert;
  return withEntry(
    { ...alert, state: 'open', acknowledged: undefined, snoozedUntil: until, dueAt: until },
    { at, action: 'snoozed', by, detail: { until } },
  );
}

/** Somebody else's from now on: open again until they acknowledge it. @throws AppError conflict */
export function passTo(alert: Alert, by: Actor, user: string, at: EpochMs, rule: EscalationRule): Alert {
  requireUnresolved(alert);
  if (alert.assignee === user && alert.state === 'open') return alert;
  return withEntry(
    {
      ...alert,
      state: 'open',
      acknowledged: undefined,
      snoozedUntil: undefined,
      assignee: user,
      dueAt: nextDue(at, alert.level, rule),
    },
    { at, action: 'passed', by, detail: { to: user } },
  );
}

/** By a person, or by itself when what failed has succeeded or was muted. Resolved again: the same. */
export function resolve(
  alert: Alert,
  why: NonNullable<Alert['resolved']>['why'],
  at: EpochMs,
  by?: Actor,
): Alert {
  if (alert.state === 'resolved') return alert;
  return withEntry(
    {
      ...alert,
      state: 'resolved',
      resolved: { ...(by ? { by } : {}), at, why },
      dueAt: undefined,
      snoozedUntil: undefined,
    },
    { at, action: why === 'muted' ? 'muted' : 'resolved', ...(by ? { by } : {}), detail: { why } },
  );
}

export interface Success {
  kind: AlertKind;
  pipeline: string;
  target?: string | undefined;
  /** When it succeeded. Only earlier failures are resolved. */
  at: EpochMs;
}

/** A later success of the same pipeline (and target) resolves its failures; with the last one the alert ends. */
export function applySuccess(alert: Alert, success: Success): Alert {
  return applySuccesses(alert, [success]);
}

export function applySuccesses(alert: Alert, successes: readonly Success[]): Alert {
  if (alert.state === 'resolved') return alert;
  const key = ({ pipeline, target }: Pick<AlertSubject, 'pipeline' | 'target'>): string =>
    target === undefined ? (pipeline ?? '') : JSON.stringify([pipeline, target]);
  const newest = new Map<string, EpochMs>();
  for (const success of successes)
    if (success.kind === alert.kind)
      newest.set(key(success), Math.max(success.at, newest.get(key(success)) ?? success.at));
  if (newest.size === 0) return alert;
  let last: EpochMs | undefined;
  const subjects = alert.subjects.map((subject) => {
    const at =
      subject.succeededAt === undefined && subject.pipeline !== undefined
        ? newest.get(key(subject))
        : undefined;
    if (at === undefined || subject.at >= at) return subject;
    last = Math.max(at, last ?? at);
    return { ...subject, succeededAt: at };
  });
  if (last === undefined) return alert;
  const next = { ...alert, subjects };
  // Nothing tells whether those that are only counted are resolved by now.
  const allGood =
    subjects.every(({ succeededAt }) => succeededAt !== undefined) && alert.count <= SUBJECTS_KEPT;
  return allGood ? resolve(next, 'succeeded', last) : next;
}

/** Looks into the log of a failure that found nothing, after which nobody looks again by itself. */
const EMPTY_READS = 3;
/** Milliseconds after a failure in which its last lines may still be on their way into the log. */
const LOG_LATE = 10 * 60_000;

/** Whether the log of what failed first must still be read. */
export function needsExcerpt({ excerpt, emptyReads = 0 }: Alert): boolean {
  return excerpt === undefined && emptyReads < EMPTY_READS;
}

/** @param read the log could be read: once all of it must be there, one look is enough */
export function withEmptyRead(alert: Alert, at: EpochMs, read: boolean): Alert {
  if (!needsExcerpt(alert)) return alert;
  const whole = read && at - alert.openedAt > LOG_LATE;
  return { ...alert, emptyReads: whole ? EMPTY_READS : (alert.emptyReads ?? 0) + 1 };
}

export function nextDue(at: EpochMs, level: number, rule: EscalationRule): EpochMs | undefined {
  return level + 1 < rule.levels ? at + rule.afterMs : undefined;
}

function requireUnresolved(alert: Alert): void {
  const { resolved } = alert;
  if (!resolved) return;
  const words = {
    succeeded: 'a later run succeeded',
    closed: 'it was closed',
    muted: 'it was muted',
    unfounded: 'SageMaker says otherwise',
  };
  throw new AppError('conflict', `This alert is resolved already: ${words[resolved.why]}.`, {
    hint: 'There is nothing left to do. A new failure opens a new alert.',
  });
}

export function withEntry(alert: Alert, entry: AlertEntry): Alert {
  const trail = [...alert.trail, entry];
  if (trail.length > TRAIL_KEPT) trail.splice(1, trail.length - TRAIL_KEPT);
  return { ...alert, trail };
}
