/**
 * Alerts: failures that somebody must acknowledge. Every transition is pure, refuses what makes no sense any more
 * by saying how things stand, and leaves an entry in the alert's trail; the very same object comes back when
 * nothing changes, so that a click that comes twice is told once.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Actor, EpochMs } from '../ports.ts';
import type { FailureAdvice } from './failure-tables.ts';
import { GLOB_LIMIT, globMatches } from './name-glob.ts';

export type AlertKind = 'training' | 'compilation' | 'component' | 'deployment' | 'alarm' | 'stuck';
export type AlertState = 'open' | 'acknowledged' | 'resolved';

/** One thing that failed. An alert has several when they failed for one cause. */
export interface AlertSubject {
  /** What makes it this failure and no other, so that it is counted once: a job's ARN, an attempt's id. */
  id: string;
  /** What people call it: the job's name. */
  name: string;
  /** The training job it belongs to. */
  job?: string | undefined;
  /** What has to succeed later to make it good; `modelName(job)`, with the target where it is of one. */
  pipeline?: string | undefined;
  target?: string | undefined;
  at: EpochMs;
  /** Its page in the AWS console. */
  console?: string | undefined;
  /** Made good by a later success. */
  succeededAt?: EpochMs | undefined;
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
  /** All that ever joined, also those that are not kept. */
  count: number;
  state: AlertState;
  openedAt: EpochMs;
  /** Level of the on-call that was told last; 0 is the first. */
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
  /** Looks into that log that found nothing to show. */
  emptyLooks?: number | undefined;
  /** It rests on an event alone, because the service could not be asked: why. */
  unconfirmed?: string | undefined;
  /** What its buttons act on; left out where there is no job behind it. */
  job?: string | undefined;
  /** What people started to make it good, oldest first (domain/alert-retries.ts). */
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
  /** Left out: it goes on, as far as anybody knows. */
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
  /** User groups of a level that nobody was in, so that the next one was told. */
  empty: readonly string[];
}

/** Calls are few: a level each, and what people do besides; the first and the newest stay. */
const CALLS_KEPT = 50;

/** The alert with one more call on record, which stands at the level that was reached. */
export function withCall(alert: Alert, call: AlertCall, rule: EscalationRule): Alert {
  const calls = [...(alert.calls ?? []), call];
  if (calls.length > CALLS_KEPT) calls.splice(1, calls.length - CALLS_KEPT);
  // Levels that nobody was in were passed over: the time to answer begins with the one that was told.
  const level = Math.max(alert.level, call.level);
  return level === alert.level
    ? { ...alert, calls }
    : { ...alert, calls, level, dueAt: nextDue(call.at, level, rule) };
}

/** Subjects that an alert remembers; more are counted. */
export const SUBJECTS_KEPT = 200;
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
  if (alert.state === 'resolved' || hasSubject(alert, subject.id)) return alert;
  const subjects = [...alert.subjects, subject];
  // The oldest that is made good goes first; else the newest is only counted.
  if (subjects.length > SUBJECTS_KEPT) {
    const good = subjects.findIndex(({ succeededAt }) => succeededAt !== undefined);
    subjects.splice(good >= 0 ? good : subjects.length - 1, 1);
  }
  return withEntry(
    { ...alert, subjects, count: alert.count + 1 },
    { at, action: 'joined', detail: { subject: subject.name } },
  );
}

function hasSubject(alert: Alert, id: string): boolean {
  return alert.subjects.some((subject) => subject.id === id);
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

/** Nobody is called until then; afterwards the same level is, again. @throws AppError conflict, invalid_input */
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
  /** When it succeeded. Only what failed before is made good. */
  at: EpochMs;
}

/** A later success of the same pipeline (and target) makes its failures good; with the last one the alert ends. */
export function applySuccess(alert: Alert, success: Success): Alert {
  if (alert.state === 'resolved' || alert.kind !== success.kind) return alert;
  const fits = (subject: AlertSubject): boolean =>
    subject.succeededAt === undefined &&
    subject.pipeline === success.pipeline &&
    subject.target === success.target &&
    subject.at < success.at;
  if (!alert.subjects.some(fits)) return alert;
  const subjects = alert.subjects.map((subject) =>
    fits(subject) ? { ...subject, succeededAt: success.at } : subject,
  );
  const next = { ...alert, subjects };
  // Of those that are only counted nobody knows whether they are good by now.
  const allGood =
    subjects.every(({ succeededAt }) => succeededAt !== undefined) && alert.count <= SUBJECTS_KEPT;
  return allGood ? resolve(next, 'succeeded', success.at) : next;
}

/** Whom a due alert calls: a level of the on-call, or who it was passed to. */
export type Call = { level: number; escalated: boolean; assignee?: string | undefined };

/**
 * What is due by now: a snooze that ends calls the same level again, a level that did not answer calls the next.
 * After a time in which nothing ran, only one step is made: the next level gets its own time to answer.
 */
export function applyDue(alert: Alert, at: EpochMs, rule: EscalationRule): { alert: Alert; call?: Call } {
  if (alert.state !== 'open' || alert.dueAt === undefined || alert.dueAt > at) return { alert };
  if (alert.snoozedUntil !== undefined) {
    const { level, assignee } = alert;
    const woken = { ...alert, snoozedUntil: undefined, dueAt: nextDue(at, level, rule) };
    return { alert: withEntry(woken, { at, action: 'woken' }), call: { level, escalated: false, assignee } };
  }
  const level = alert.level + 1;
  if (level >= rule.levels) return { alert: { ...alert, dueAt: undefined } };
  return {
    alert: withEntry(
      { ...alert, level, dueAt: nextDue(at, level, rule) },
      { at, action: 'escalated', detail: { level } },
    ),
    call: { level, escalated: true },
  };
}

/**
 * The alert after its clock was set: what is due keeps its distance, so that neither everything is due at once nor
 * anything for hours. Nobody is waited for longer than the rule says in any case, also when a clock was set back while
 * nothing ran.
 * @param setBy milliseconds by which the clock was set forward, below 0: back
 */
export function followClock(alert: Alert, at: EpochMs, setBy: number, rule: EscalationRule): Alert {
  if (alert.state !== 'open' || alert.dueAt === undefined) return alert;
  const { snoozedUntil } = alert;
  const moved = alert.dueAt + setBy;
  const dueAt = snoozedUntil === undefined ? Math.min(moved, at + rule.afterMs) : moved;
  if (dueAt === alert.dueAt) return alert;
  return { ...alert, dueAt, ...(snoozedUntil === undefined ? {} : { snoozedUntil: dueAt }) };
}

/** Looks into the log of a failure that found nothing, after which nobody looks again by itself. */
const EMPTY_LOOKS = 3;
/** Milliseconds after a failure in which its last lines may still be on their way into the log. */
const LOG_LATE = 10 * 60_000;

/** Whether the log of what failed first is still to be looked into. */
export function needsLook({ excerpt, emptyLooks = 0 }: Alert): boolean {
  return excerpt === undefined && emptyLooks < EMPTY_LOOKS;
}

/** @param read the log could be read: once all of it must be there, one look is enough */
export function withEmptyLook(alert: Alert, at: EpochMs, read: boolean): Alert {
  if (!needsLook(alert)) return alert;
  const whole = read && at - alert.openedAt > LOG_LATE;
  return { ...alert, emptyLooks: whole ? EMPTY_LOOKS : (alert.emptyLooks ?? 0) + 1 };
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

// --- Grouping ----------------------------------------------------------------------------------------

/**
 * The group of failures with one cause: equal where only names, numbers, addresses and ids differ.
 * @param parts.scope what it is kept within: a pipeline, so that two models' failures stay two alerts; left out:
 *   the whole use case, for causes such as a quota
 */
export function alertGroup(parts: { kind: AlertKind; cause: string; scope?: string | undefined }): string {
  const plain = parts.cause
    .slice(0, 2000)
    .replace(/\b(?:arn|s3|https?):\S+/gi, '¤')
    .replace(/(["'“‘`]).{0,200}?["'”’`]/g, '¤')
    .replace(/\b[\w./-]*\d[\w./-]*\b/g, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
  return createHash('sha256')
    .update(JSON.stringify([parts.kind, parts.scope ?? null, plain]))
    .digest('hex')
    .slice(0, 24);
}

// --- Mutes -------------------------------------------------------------------------------------------

/** What shall raise no alert: one job, or all names of a pattern. */
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
