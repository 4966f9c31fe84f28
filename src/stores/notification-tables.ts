/** Events, messages, alerts, subscriptions, timers, watched runs, unfinished work, refused kinds and the viewer's links in memory, with the indexes that keep them unique. */
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';
import type { ChannelSettings, Subscription } from '../domain/subscriptions.ts';
import type { Tail } from '../domain/tails.ts';
import type { EpochMs } from '../ground/time.ts';
import type { EventRecord } from '../ports/event-store.ts';
import type { DeadChannel, OutboxRecord } from '../ports/outbox-store.ts';
import type { KindRefusal } from '../ports/refusal-store.ts';
import type { Timer } from '../ports/timer-store.ts';
import type { UnfinishedMessage } from '../ports/unfinished-store.ts';
import {
  ALERT_DAYS,
  DAY_MS,
  EVENT_DAYS,
  POST_DAYS,
  SET_ASIDE_KEPT,
  SUBJECTS_DAYS,
  SUBJECTS_KEPT,
} from './kept-for.ts';
import { currentRecord } from './older-records.ts';
import type { Undo } from './undo.ts';

export interface NotificationRows {
  event: EventRecord;
  post: OutboxRecord;
  dead: DeadChannel;
  alert: Alert;
  mute: Mute;
  subscription: Subscription;
  channel: ChannelSettings;
  timer: Timer;
  tail: Tail;
  unfinished: UnfinishedMessage;
  refusal: KindRefusal;
  secret: { name: string; value: string };
  /** One that was used, or what else is done once. */
  link: { id: string; until: EpochMs };
}
export type NotificationKind = keyof NotificationRows;

/** In the journal, in place of a record: it is gone. */
export interface Gone {
  gone: string;
}

const KEY: { readonly [K in NotificationKind]: (row: NotificationRows[K]) => string } = {
  event: ({ id }) => id,
  post: ({ key }) => key,
  dead: ({ channel }) => channel,
  alert: ({ id }) => id,
  mute: ({ id }) => id,
  subscription: ({ id }) => id,
  channel: ({ channel }) => channel,
  timer: ({ id }) => id,
  tail: ({ id }) => id,
  unfinished: ({ id }) => id,
  refusal: (row) => refusalKey(row),
  secret: ({ name }) => name,
  link: ({ id }) => id,
};
const KINDS = Object.keys(KEY) as NotificationKind[];

type Maps = { readonly [K in NotificationKind]: Map<string, NotificationRows[K]> };

export class NotificationTables {
  readonly rows: Maps = {
    event: new Map(),
    post: new Map(),
    dead: new Map(),
    alert: new Map(),
    mute: new Map(),
    subscription: new Map(),
    channel: new Map(),
    timer: new Map(),
    tail: new Map(),
    unfinished: new Map(),
    refusal: new Map(),
    secret: new Map(),
    link: new Map(),
  };
  /** Dedupe key → id of the event with that key. */
  readonly eventKeys = new Map<string, string>();
  readonly pendingEvents = new Set<string>();
  /** Id of an event → the instance that has claimed it. Not stored: all instances end with the process. */
  readonly eventClaims = new Map<string, string>();
  /** Thing → id of each handled event about it → when that happened. */
  readonly handledAbout = new Map<string, Map<string, EpochMs>>();
  readonly unsentPosts = new Set<string>();
  /** Use case and group → id of the unresolved alert. */
  readonly openGroups = new Map<string, string>();
  /** Use case and subject → id of the alert. */
  readonly alertSubjects = new Map<string, string>();

  put<K extends NotificationKind>(kind: K, value: NotificationRows[K] | Gone): Undo {
    const key = isGone(value) ? value.gone : KEY[kind](value);
    const before = this.rows[kind].get(key);
    this.#set(kind, key, isGone(value) ? undefined : value);
    return () => this.#set(kind, key, before);
  }

  /** All records, for the state file. */
  all(): Partial<Record<NotificationKind, unknown[]>> {
    return Object.fromEntries(KINDS.map((kind) => [kind, [...this.rows[kind].values()]]));
  }

  load(stored: Partial<Record<NotificationKind, unknown[]>>, freeze: <T>(value: T) => T): void {
    for (const kind of KINDS)
      for (const row of stored[kind] ?? [])
        this.put(kind, freeze(currentRecord(kind, row)) as NotificationRows[typeof kind]);
  }

  /** Drops what is long over, except what may still be undone. */
  prune(now: EpochMs, keep: ReadonlySet<unknown>): void {
    const aside: EventRecord[] = [];
    for (const row of this.rows.event.values()) {
      if (row.state === 'pending' || keep.has(row)) continue;
      if ((row.settledAt ?? row.receivedAt) < now - EVENT_DAYS * DAY_MS)
        this.#set('event', row.id, undefined);
      else if (row.state === 'set-aside') aside.push(row);
    }
    for (const row of aside.slice(0, Math.max(0, aside.length - SET_ASIDE_KEPT)))
      this.#set('event', row.id, undefined);
    for (const row of this.rows.post.values())
      if (row.changedAt < now - POST_DAYS * DAY_MS && !isUnsent(row) && !keep.has(row))
        this.#set('post', row.key, undefined);
    for (const row of this.rows.alert.values()) {
      const { id, subjects, resolved } = row;
      if (resolved === undefined || keep.has(row)) continue;
      if (resolved.at < now - ALERT_DAYS * DAY_MS) this.#set('alert', id, undefined);
      else if (subjects.length > SUBJECTS_KEPT && resolved.at < now - SUBJECTS_DAYS * DAY_MS)
        this.#set('alert', id, { ...row, subjects: subjects.slice(0, SUBJECTS_KEPT) });
    }
    for (const row of this.rows.tail.values())
      if (row.told && (row.ended?.at ?? now) < now - POST_DAYS * DAY_MS && !keep.has(row))
        this.#set('tail', row.id, undefined);
    for (const row of this.rows.mute.values())
      if ((row.until ?? now) < now - DAY_MS && !keep.has(row)) this.#set('mute', row.id, undefined);
    for (const row of this.rows.link.values())
      if (row.until < now - DAY_MS && !keep.has(row)) this.#set('link', row.id, undefined);
  }

  #set<K extends NotificationKind>(kind: K, key: string, row: NotificationRows[K] | undefined): void {
    const map = this.rows[kind] as Map<string, NotificationRows[K]>;
    const before = map.get(key);
    if (before !== undefined) this.#unindex(kind, before);
    if (row === undefined) map.delete(key);
    else {
      map.set(key, row);
      this.#index(kind, row);
    }
  }

  #index(kind: NotificationKind, row: NotificationRows[NotificationKind]): void {
    if (kind === 'event') {
      const event = row as EventRecord;
      for (const key of event.keys) this.eventKeys.set(key, event.id);
      if (event.state === 'pending') this.pendingEvents.add(event.id);
      if (event.state === 'handled')
        for (const thing of event.about?.things ?? []) {
          const times = this.handledAbout.get(thing) ?? new Map<string, EpochMs>();
          this.handledAbout.set(thing, times.set(event.id, event.about!.at));
        }
    } else if (kind === 'post') {
      const post = row as OutboxRecord;
      if (isUnsent(post)) this.unsentPosts.add(post.key);
    } else if (kind === 'alert') {
      const alert = row as Alert;
      if (alert.state !== 'resolved') this.openGroups.set(pair(alert.useCase, alert.group), alert.id);
      for (const { id } of alert.subjects) this.alertSubjects.set(pair(alert.useCase, id), alert.id);
    }
  }

  #unindex(kind: NotificationKind, row: NotificationRows[NotificationKind]): void {
    if (kind === 'event') {
      const event = row as EventRecord;
      for (const key of event.keys) if (this.eventKeys.get(key) === event.id) this.eventKeys.delete(key);
      this.pendingEvents.delete(event.id);
      for (const thing of event.about?.things ?? []) {
        const times = this.handledAbout.get(thing);
        times?.delete(event.id);
        if (times?.size === 0) this.handledAbout.delete(thing);
      }
    } else if (kind === 'post') this.unsentPosts.delete((row as OutboxRecord).key);
    else if (kind === 'alert') {
      const alert = row as Alert;
      const group = pair(alert.useCase, alert.group);
      if (this.openGroups.get(group) === alert.id) this.openGroups.delete(group);
      for (const { id } of alert.subjects) {
        const subject = pair(alert.useCase, id);
        if (this.alertSubjects.get(subject) === alert.id) this.alertSubjects.delete(subject);
      }
    }
  }
}

export const refusalKey = ({ useCase, kind, what }: Omit<KindRefusal, 'since'>): string =>
  JSON.stringify([useCase, kind, what]);

export const pair = (first: string, second: string): string => JSON.stringify([first, second]);

/** Slack does not show what it should yet, but still may. */
function isUnsent(post: OutboxRecord): boolean {
  return post.failed === undefined && post.message !== undefined;
}

function isGone(value: object): value is Gone {
  return 'gone' in value;
}
