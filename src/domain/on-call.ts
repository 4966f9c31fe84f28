/** Who is on call: levels of people, groups and weekly rotations, and how long a level has to answer. */
import type { EpochMs } from '../ground/time.ts';
import { localTime, parseDate, parseTimeOfDay } from './local-time.ts';

/** One after the other, a week each. */
export interface Rotation {
  /** Slack users, in their order. */
  rotation: readonly string[];
  /** The day on which the first one's first week begins: `2026-01-05`. */
  since: string;
  /** Time of day of the handover: `09:00`. */
  handover: string;
  /** IANA name. */
  timeZone: string;
}

/** A user `U…`/`W…`, a user group `S…`, or a rotation of users. */
export type OnCallEntry = string | Rotation;

export interface OnCallSettings {
  /** The first one is told first; each next one when the one before did not acknowledge in time. */
  levels: readonly (readonly OnCallEntry[])[];
  /** Milliseconds. */
  escalateAfterMs: number;
}

export const DEFAULT_ESCALATE_AFTER_MS = 10 * 60_000;

/** Users and user groups who are on call at that time; of a rotation, the one whose week it is. No duplicates. */
export function onCallAt(settings: OnCallSettings | undefined, level: number, at: EpochMs): string[] {
  const entries = settings?.levels[level] ?? [];
  return [
    ...new Set(
      entries.flatMap((entry) => (typeof entry === 'string' ? entry : (rotationAt(entry, at) ?? []))),
    ),
  ];
}

/** Before its first day a rotation is counted backwards, so that somebody is always on call. */
export function rotationAt(rotation: Rotation, at: EpochMs): string | undefined {
  const { rotation: people, since, handover, timeZone } = rotation;
  if (people.length === 0) return undefined;
  const { day, minute } = localTime(at, timeZone);
  const shifted = minute < (parseTimeOfDay(handover) ?? 0) ? day - 1 : day;
  const week = Math.floor((shifted - (parseDate(since) ?? 0)) / 7);
  return people[((week % people.length) + people.length) % people.length];
}

const HOUR_MS = 3_600_000;

/** When the people of a level's rotations change next, within two weeks, and who they are then. */
export function nextHandovers(entries: readonly OnCallEntry[], at: EpochMs): { at: EpochMs; to: string[] }[] {
  return entries
    .flatMap((entry) => {
      if (typeof entry === 'string') return [];
      const now = rotationAt(entry, at);
      for (let hour = 1; hour <= 14 * 24 + 1; hour += 1) {
        const next = rotationAt(entry, at + hour * HOUR_MS);
        if (next === undefined || next === now) continue;
        // Within this hour: to the minute, since handovers are at minutes.
        let minute = Math.floor((at + (hour - 1) * HOUR_MS) / 60_000) * 60_000;
        while (rotationAt(entry, minute) !== next) minute += 60_000;
        return [{ at: minute, to: [next] }];
      }
      return [];
    })
    .sort((a, b) => a.at - b.at);
}

/** Slack's mention of a user or user group; anything else is no id and is not made one. */
export function mention(id: string): string {
  if (/^[UW][A-Z0-9]+$/.test(id)) return `<@${id}>`;
  return /^S[A-Z0-9]+$/.test(id) ? `<!subteam^${id}>` : '';
}

/** People are not called for what they did themselves. Groups stay, because others are in them. */
export function withoutOwnAct(people: readonly string[], actor: string | undefined): string[] {
  return people.filter((id) => id !== actor);
}
