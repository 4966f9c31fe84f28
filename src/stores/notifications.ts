/** The embedded store's events, messages, alerts, subscriptions, timers, watched runs and refused kinds, and what the log viewer keeps. */
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';
import type { ChannelSettings, Subscription } from '../domain/subscriptions.ts';
import type { Tail } from '../domain/tails.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { EventClaims, EventRecord, EventStore } from '../ports/event-store.ts';
import type { OnceStore } from '../ports/once-store.ts';
import type { DeadChannel, OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import type { KindRefusal, RefusalStore } from '../ports/refusal-store.ts';
import type { SubscriptionStore } from '../ports/subscription-store.ts';
import type { TailStore } from '../ports/tail-store.ts';
import type { Timer, TimerStore } from '../ports/timer-store.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';
import type { ViewerStore } from '../ports/viewer-store.ts';
import type { OpenState } from './fenced-state.ts';
import { type NotificationKind, type NotificationRows, pair, refusalKey } from './notification-tables.ts';
import { subjectOf } from './older-records.ts';
import { noAlert, otherAlert } from './refused.ts';

export class NotificationStore
  implements
    EventStore,
    EventClaims,
    OutboxStore,
    AlertStore,
    SubscriptionStore,
    TimerStore,
    TailStore,
    UnfinishedStore,
    RefusalStore,
    ViewerStore,
    OnceStore
{
  protected readonly state: OpenState;

  constructor(state: OpenState) {
    this.state = state;
  }

  get #tables() {
    return this.state.tables.notifications;
  }

  #row<K extends NotificationKind>(kind: K, key: string): NotificationRows[K] | undefined {
    return this.#tables.rows[kind].get(key) as NotificationRows[K] | undefined;
  }

  async #remove(kind: NotificationKind, key: string): Promise<boolean> {
    this.state.requireOpen();
    if (!this.#tables.rows[kind].has(key)) return false;
    await this.state.change(kind, { gone: key });
    return true;
  }

  /** Read-modify-write; nothing awaited in between, so nothing comes in between. */
  async #change<K extends NotificationKind>(
    kind: K,
    key: string,
    change: (row: NotificationRows[K] | undefined) => NotificationRows[K] | undefined,
  ): Promise<NotificationRows[K] | undefined> {
    this.state.requireOpen();
    const before = this.#row(kind, key);
    const after = change(before);
    if (after === undefined || after === before) return before;
    return this.state.change(kind, after);
  }

  // --- Events ---

  async addEvent(record: EventRecord): Promise<boolean> {
    this.state.requireOpen();
    const { eventKeys, rows } = this.#tables;
    if (rows.event.has(record.id) || record.keys.some((key) => eventKeys.has(key))) return false;
    await this.state.change('event', record);
    return true;
  }

  async getEvent(id: string): Promise<EventRecord | undefined> {
    return this.#row('event', id);
  }

  async changeEvent(id: string, change: (record: EventRecord) => EventRecord): Promise<void> {
    await this.#change('event', id, (before) => before && change(before));
  }

  async newestHandled(thing: string): Promise<EpochMs | undefined> {
    const times = this.#tables.handledAbout.get(thing);
    return times && [...times.values()].reduce((newest, at) => Math.max(newest, at));
  }

  async listEvents({ state, limit }: { state: EventRecord['state']; limit: number }): Promise<EventRecord[]> {
    const { pendingEvents, rows } = this.#tables;
    if (state === 'pending')
      return [...pendingEvents]
        .flatMap((id) => rows.event.get(id) ?? [])
        .sort((a, b) => a.receivedAt - b.receivedAt)
        .slice(0, limit);
    return [...rows.event.values()]
      .filter((record) => record.state === state)
      .reverse()
      .sort((a, b) => b.receivedAt - a.receivedAt)
      .slice(0, limit);
  }

  async countEvents(): Promise<{ pending: number; handled: number; setAside: Record<string, number> }> {
    const setAside: Record<string, number> = {};
    let handled = 0;
    for (const { state, reason } of this.#tables.rows.event.values()) {
      if (state === 'handled') handled += 1;
      else if (state === 'set-aside')
        setAside[reason?.code ?? 'failed'] = (setAside[reason?.code ?? 'failed'] ?? 0) + 1;
    }
    return { pending: this.#tables.pendingEvents.size, handled, setAside };
  }

  async claimEvents(query: Parameters<EventClaims['claimEvents']>[0]): Promise<EventRecord[]> {
    this.state.requireOpen();
    const { pendingEvents, eventClaims, rows } = this.#tables;
    const kinds = new Set(query.kinds);
    const othersHave = new Set<string>();
    for (const [id, by] of this.#claims())
      if (by !== query.by) othersHave.add(subjectOf(rows.event.get(id)!));
    const free = [...pendingEvents].flatMap((id) => {
      const record = rows.event.get(id)!;
      const isWanted = record.event && kinds.has(record.event.kind) && !eventClaims.has(id);
      return isWanted && !othersHave.has(subjectOf(record)) ? [record] : [];
    });
    const claimed = free.sort((a, b) => a.receivedAt - b.receivedAt).slice(0, query.limit);
    for (const { id } of claimed) eventClaims.set(id, query.by);
    return claimed;
  }

  async giveBackEvents(by: string): Promise<void> {
    this.state.requireOpen();
    const { eventClaims } = this.#tables;
    for (const [id, holder] of eventClaims) if (holder === by) eventClaims.delete(id);
  }

  async listClaimants(): Promise<string[]> {
    return [...new Set(this.#claims().map(([, by]) => by))];
  }

  /** Those of settled events have ended. */
  #claims(): [id: string, by: string][] {
    const { eventClaims, pendingEvents } = this.#tables;
    for (const id of eventClaims.keys()) if (!pendingEvents.has(id)) eventClaims.delete(id);
    return [...eventClaims];
  }

  // --- Outbox ---

  async getPost(key: string): Promise<OutboxRecord | undefined> {
    return this.#row('post', key);
  }

  changePost(
    key: string,
    change: (record: OutboxRecord | undefined) => OutboxRecord | undefined,
  ): Promise<OutboxRecord | undefined> {
    return this.#change('post', key, change);
  }

  async listUnsent(): Promise<OutboxRecord[]> {
    const { unsentPosts, rows } = this.#tables;
    return [...unsentPosts]
      .flatMap((key) => rows.post.get(key) ?? [])
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  async listDeadChannels(): Promise<DeadChannel[]> {
    return [...this.#tables.rows.dead.values()];
  }

  async changeDeadChannel(
    channel: string,
    change: (dead: DeadChannel | undefined) => DeadChannel | undefined,
  ): Promise<DeadChannel | undefined> {
    const after = change(this.#row('dead', channel));
    if (after === undefined) {
      await this.#remove('dead', channel);
      return undefined;
    }
    return this.#change('dead', channel, () => after);
  }

  // --- Alerts ---

  async getAlert(id: string): Promise<Alert | undefined> {
    return this.#row('alert', id);
  }

  async listAlerts(query: { useCase?: string; unresolved?: boolean; limit: number }): Promise<Alert[]> {
    return [...this.#tables.rows.alert.values()]
      .filter(
        ({ useCase, state }) =>
          (query.useCase === undefined || useCase === query.useCase) &&
          (query.unresolved === undefined || (state !== 'resolved') === query.unresolved),
      )
      .reverse()
      .sort((a, b) => b.openedAt - a.openedAt)
      .slice(0, query.limit);
  }

  async changeAlertOfGroup(
    key: { useCase: string; group: string; subject: string },
    change: (alert: Alert | undefined) => Alert | undefined,
  ): Promise<Alert | undefined> {
    this.state.requireOpen();
    const { alertSubjects, openGroups } = this.#tables;
    const told = alertSubjects.get(pair(key.useCase, key.subject));
    if (told !== undefined) return this.#row('alert', told);
    const open = openGroups.get(pair(key.useCase, key.group));
    const before = open === undefined ? undefined : this.#row('alert', open);
    const after = change(before);
    if (after === undefined || after === before) return before;
    if (after.useCase !== key.useCase || after.group !== key.group || (before && before.id !== after.id))
      throw otherAlert(key);
    return this.state.change('alert', after);
  }

  async changeAlert(id: string, change: (alert: Alert) => Alert): Promise<Alert> {
    const after = await this.#change('alert', id, (before) => before && change(before));
    if (after) return after;
    throw noAlert();
  }

  async findAlertOfSubject(useCase: string, subject: string): Promise<Alert | undefined> {
    const id = this.#tables.alertSubjects.get(pair(useCase, subject));
    return id === undefined ? undefined : this.#row('alert', id);
  }

  async putMute(mute: Mute): Promise<void> {
    await this.#change('mute', mute.id, () => mute);
  }

  async removeMute(id: string): Promise<void> {
    await this.#remove('mute', id);
  }

  async listMutes(useCase?: string): Promise<Mute[]> {
    return [...this.#tables.rows.mute.values()].filter(
      (mute) => useCase === undefined || mute.useCase === useCase,
    );
  }

  // --- Subscriptions ---

  async putSubscription(subscription: Subscription): Promise<void> {
    await this.#change('subscription', subscription.id, () => subscription);
  }

  removeSubscription(id: string): Promise<boolean> {
    return this.#remove('subscription', id);
  }

  async listSubscriptions(query: { useCase?: string; channel?: string } = {}): Promise<Subscription[]> {
    return [...this.#tables.rows.subscription.values()]
      .filter(
        ({ useCase, channel }) =>
          (query.useCase === undefined || useCase === query.useCase) &&
          (query.channel === undefined || channel === query.channel),
      )
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  changeChannelSettings(
    channel: string,
    change: (settings: ChannelSettings | undefined) => ChannelSettings | undefined,
  ): Promise<ChannelSettings | undefined> {
    return this.#change('channel', channel, change);
  }

  async listChannelSettings(): Promise<ChannelSettings[]> {
    return [...this.#tables.rows.channel.values()];
  }

  // --- Watched runs ---

  async getTail(id: string): Promise<Tail | undefined> {
    return this.#row('tail', id);
  }

  changeTail(id: string, change: (tail: Tail | undefined) => Tail | undefined): Promise<Tail | undefined> {
    return this.#change('tail', id, change);
  }

  async listTails(): Promise<Tail[]> {
    return [...this.#tables.rows.tail.values()].filter(({ told }) => !told).sort((a, b) => a.since - b.since);
  }

  // --- Unfinished work ---

  async putUnfinished(message: UnfinishedMessage): Promise<void> {
    await this.#change('unfinished', message.id, () => message);
  }

  async removeUnfinished(id: string): Promise<void> {
    await this.#remove('unfinished', id);
  }

  async listUnfinished(): Promise<UnfinishedMessage[]> {
    return [...this.#tables.rows.unfinished.values()].sort((a, b) => a.since - b.since);
  }

  // --- Refused kinds ---

  async putKindRefusal(refusal: KindRefusal): Promise<void> {
    await this.#change('refusal', refusalKey(refusal), (before) => before ?? refusal);
  }

  async removeKindRefusal(refusal: Pick<KindRefusal, 'useCase' | 'kind' | 'what'>): Promise<void> {
    await this.#remove('refusal', refusalKey(refusal));
  }

  async listKindRefusals(): Promise<KindRefusal[]> {
    return [...this.#tables.rows.refusal.values()].sort((a, b) => a.since - b.since);
  }

  // --- The log viewer ---

  async viewerSecret(offered: string): Promise<string> {
    const kept = await this.#change(
      'secret',
      'viewer',
      (before) => before ?? { name: 'viewer', value: offered },
    );
    return kept!.value;
  }

  useViewerLink(id: string, until: number): Promise<boolean> {
    return this.#takeLink(id, until);
  }

  /** No viewer link's id has a space. */
  takeOnce(id: string, until: number): Promise<boolean> {
    return this.#takeLink(`once ${id}`, until);
  }

  async #takeLink(id: string, until: number): Promise<boolean> {
    this.state.requireOpen();
    if (this.#row('link', id)) return false;
    await this.state.change('link', { id, until });
    return true;
  }

  // --- Timers ---

  async putTimer(timer: Timer): Promise<void> {
    await this.#change('timer', timer.id, () => timer);
  }

  async removeTimer(id: string, dueAt?: number): Promise<void> {
    if (dueAt !== undefined && this.#row('timer', id)?.dueAt !== dueAt) return;
    await this.#remove('timer', id);
  }

  async listTimers(): Promise<Timer[]> {
    return [...this.#tables.rows.timer.values()].sort((a, b) => a.dueAt - b.dueAt);
  }
}
