/**
 * Which failures are one alert: those of one cause, and in a flood those of one kind. People are called by new alerts, so
 * a flood must not make many of them, and must not hide one that has nothing to do with it.
 */
import { createHash } from 'node:crypto';
import type { EpochMs } from '../ground/time.ts';
import type { Alert, AlertKind } from './alerts.ts';

/** Milliseconds in which alerts of one kind are counted, and after which a flood that has gone quiet is over. */
export const FLOOD_WINDOW = 60_000;
/** Alerts of one kind within the window, after which a cause makes one alert for all that it hits. */
const BY_SCOPE = 4;
/** Alerts of one kind within the window, after which one more takes up all the others, whatever their causes. */
const BY_CAUSE = 8;

/** The parts of a failure that decide where it goes. */
export interface Groupable {
  kind: AlertKind;
  cause: string;
  scope?: string | undefined;
  advice?: { id: string } | undefined;
}

/** An alert that is open or to be opened, and what goes into it. */
export interface Placed<F> {
  group: string;
  /** Left out: one cause within one scope. */
  spread?: Alert['spread'];
  failures: F[];
}

/**
 * Failures of one kind in one use case, whether they came together or alone.
 * @param open the use case's unresolved alerts
 * @param recent how many alerts of this kind were opened within the window
 */
export function placeFailures<F extends Groupable>(
  failures: readonly F[],
  open: readonly Alert[],
  recent: number,
  now: EpochMs,
): Placed<F>[] {
  const known = new Map(open.map((alert) => [alert.group, alert]));
  const spreading = (group: string): boolean => {
    const alert = known.get(group);
    return alert?.spread !== undefined && now - (alert.joinedAt ?? alert.openedAt) <= FLOOD_WINDOW;
  };
  const placed: Placed<F>[] = [];
  const rest: F[] = [];
  for (const [group, list] of grouped(failures, ownGroup)) {
    if (known.has(group)) placed.push({ group, failures: list });
    else rest.push(...list);
  }
  const alone: F[] = [];
  for (const [group, list] of grouped(rest, causeGroup)) {
    if (spreading(group)) placed.push({ group, spread: 'cause', failures: list });
    else alone.push(...list);
  }
  const own = grouped(alone, ownGroup);
  if (recent + own.size <= BY_SCOPE)
    return [...placed, ...[...own].map(([group, list]) => ({ group, failures: list }))];
  const causes = grouped(alone, causeGroup);
  const fresh = [...causes.keys()].filter((group) => !known.has(group)).length;
  if (recent + fresh <= BY_CAUSE)
    return [
      ...placed,
      ...[...causes].map(([group, list]) => ({ group, spread: 'cause' as const, failures: list })),
    ];
  const kinds = grouped(alone, (failure) =>
    known.has(causeGroup(failure)) ? causeGroup(failure) : kindGroup(failure),
  );
  return [
    ...placed,
    ...[...kinds].map(([group, list]) => ({
      group,
      spread: group === kindGroup(list[0]!) ? ('kind' as const) : ('cause' as const),
      failures: list,
    })),
  ];
}

function grouped<F>(failures: readonly F[], groupOf: (failure: F) => string): Map<string, F[]> {
  const groups = new Map<string, F[]>();
  for (const failure of failures) {
    const group = groupOf(failure);
    const list = groups.get(group);
    if (list) list.push(failure);
    else groups.set(group, [failure]);
  }
  return groups;
}

const words = ({ advice, cause }: Groupable): string => `${advice?.id ?? ''} ${cause}`;
const ownGroup = (failure: Groupable): string =>
  alertGroup({ kind: failure.kind, cause: words(failure), scope: failure.scope });
const causeGroup = (failure: Groupable): string =>
  alertGroup({
    kind: failure.kind,
    cause: words(failure),
    scope: failure.scope === undefined ? undefined : '*',
  });
const kindGroup = ({ kind }: Groupable): string => alertGroup({ kind, cause: '', scope: '**' });

/**
 * The group of failures with one cause: equal where only names, numbers, addresses and ids differ.
 * @param parts.scope what the group is limited to: a pipeline, so that two models' failures stay two alerts; left out:
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
