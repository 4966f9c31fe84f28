/** Turns failures into alerts: finds the alert each belongs to, and writes once for all in one alert. */
import { randomUUID } from 'node:crypto';
import { withCall } from '../domain/alert-escalation.ts';
import { FLOOD_WINDOW, type Placed, placeFailures } from '../domain/alert-groups.ts';
import {
  type Alert,
  type AlertCall,
  type AlertSubject,
  type EscalationRule,
  joinAll,
  openAlert,
} from '../domain/alerts.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import { isMuted } from '../domain/mutes.ts';
import { DEFAULT_ESCALATE_AFTER_MS, withoutOwnAct } from '../domain/on-call.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import { ALERT_LIMIT } from './alert-display.ts';
import { type OnCallDeps, reachOnCall } from './on-call-reach.ts';

export interface Failure {
  kind: Alert['kind'];
  /** What happened, in a few words without the name: `Training failed`. */
  title: string;
  /** The service's own words. */
  cause: string;
  subject: AlertSubject;
  /** Failures with the same cause within this scope are one alert; left out: the use case. */
  scope?: string | undefined;
  /** Who started it, since nobody is called about their own actions. */
  startedBy?: Actor | undefined;
  advice?: FailureAdvice | undefined;
  /** The training job behind it. */
  job?: string | undefined;
  /** Only an event says so: why the service could not be asked. */
  unconfirmed?: string | undefined;
}

export interface RaiseDeps extends OnCallDeps {
  store: AlertStore;
  clock: Clock;
}

const NOBODY: Pick<AlertCall, 'level' | 'to' | 'empty'> = { level: 0, to: [], empty: [] };
/** Characters of a cause shown beside a name. */
const CAUSE_KEPT = 120;

/**
 * For one use case and kind; calls must not overlap. A subject only ever counts once.
 * @returns each failure's alert; undefined if it is muted
 */
export async function raiseAlerts(
  deps: RaiseDeps,
  useCase: UseCase,
  failures: readonly Failure[],
): Promise<(Alert | undefined)[]> {
  return (await raise(deps, useCase, failures, false))!;
}

/**
 * As `raiseAlerts`, where each failure joins an alert that is open. Others may raise alerts meanwhile: which failures are
 * a flood only matters to those that open one.
 * @returns undefined: one has to be opened, by `raiseAlerts`; some failures may have joined theirs already
 */
export function joinAlerts(
  deps: RaiseDeps,
  useCase: UseCase,
  failures: readonly Failure[],
): Promise<(Alert | undefined)[] | undefined> {
  return raise(deps, useCase, failures, true);
}

async function raise(
  deps: RaiseDeps,
  useCase: UseCase,
  failures: readonly Failure[],
  joinOnly: boolean,
): Promise<(Alert | undefined)[] | undefined> {
  const { store, clock } = deps;
  const at = clock.now();
  const [mutes, found, open, latest] = await Promise.all([
    store.listMutes(useCase.id),
    Promise.all(failures.map(({ subject }) => store.findAlertOfSubject(useCase.id, subject.id))),
    store.listAlerts({ useCase: useCase.id, unresolved: true, limit: ALERT_LIMIT }),
    store.listAlerts({ useCase: useCase.id, limit: 100 }),
  ]);
  const fresh = failures.filter(
    ({ subject }, index) =>
      found[index] === undefined && !isMuted(mutes, { useCase: useCase.id, name: subject.name }, at),
  );
  if (fresh.length === 0) return found;
  const placement = places(fresh, open, latest, at);
  const groups = new Set(open.map(({ group }) => group));
  if (joinOnly && !placement.every(({ group }) => groups.has(group))) return undefined;
  const rule = ruleOf(useCase);
  const reached = joinOnly ? NOBODY : await reachOnCall(deps, useCase, 0, at);
  const homes = new Map<Failure, Alert | undefined>();
  for (const placed of placement) {
    const alert = await put(placed);
    // Resolved meanwhile.
    if (joinOnly && !alert) return undefined;
    for (const failure of placed.failures) homes.set(failure, alert);
  }
  return failures.map((failure, index) => found[index] ?? homes.get(failure));

  async function put({ group, spread, failures: list }: Placed<Failure>): Promise<Alert | undefined> {
    const [first] = list as [Failure, ...Failure[]];
    const subjects = list.map(({ subject, cause }) =>
      spread === 'kind' ? { ...subject, cause: cause.slice(0, CAUSE_KEPT) } : subject,
    );
    // Somebody who started all of them.
    const own = new Set(list.map(({ startedBy }) => startedBy?.user));
    const call: AlertCall = {
      at,
      why: 'opened',
      ...reached,
      to: withoutOwnAct(reached.to, own.size === 1 ? first.startedBy?.user : undefined),
    };
    return store.changeAlertOfGroup({ useCase: useCase.id, group, subject: first.subject.id }, (open) => {
      if (joinOnly && !open) return undefined;
      const next = joinAll(
        open ?? withCall(opened(first, subjects[0]!, group, spread), call, rule),
        subjects,
        at,
      );
      // A repeated failure may have become worse meanwhile.
      return next.count > 1 || next.title === first.title ? next : { ...next, title: first.title };
    });
  }

  function opened(
    { kind, title, cause, advice, job, unconfirmed }: Failure,
    subject: AlertSubject,
    group: string,
    spread: Alert['spread'],
  ): Alert {
    // Only their kind is shared: the first one's cause and advice would be wrong for the others.
    const shared = spread === 'kind' ? { cause: '', advice: undefined } : { cause, advice };
    return openAlert(
      {
        id: randomUUID(),
        useCase: useCase.id,
        group,
        kind,
        title,
        ...shared,
        job,
        unconfirmed,
        subject,
        ...(spread === undefined ? {} : { spread }),
      },
      at,
      rule,
    );
  }
}

/** @param open unresolved alerts @param latest the newest ones, resolved or not */
function places(
  fresh: readonly Failure[],
  open: readonly Alert[],
  latest: readonly Alert[],
  at: EpochMs,
): Placed<Failure>[] {
  const { kind } = fresh[0]!;
  // After a clock was set back, there are alerts from the future.
  const recent = latest.filter(
    (alert) => alert.kind === kind && alert.openedAt <= at && at - alert.openedAt <= FLOOD_WINDOW,
  );
  return placeFailures(fresh, open, recent.length, at);
}

export function ruleOf({ onCall }: UseCase): EscalationRule {
  return {
    levels: onCall?.levels.length ?? 0,
    afterMs: onCall?.escalateAfterMs ?? DEFAULT_ESCALATE_AFTER_MS,
  };
}
