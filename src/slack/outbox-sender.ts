/**
 * Sends what the outbox has stored. It has a Slack client of its own, so that interactive replies never wait behind it.
 * The client repeats no call: when a post got no answer, the sender first searches the channel for it.
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { backoff } from '../ground/backoff.ts';
import { pause, unlessAborted } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown } from '../ground/token-bucket.ts';
import type { OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import type { WebClient } from './clients.ts';
import type { EditBudget } from './edit-budget.ts';
import { LookupFailed, OutboxCalls } from './outbox-calls.ts';
import { DeadChannels, isNoticeOfDeadChannel } from './outbox-channels.ts';
import { isRefresh, isShown, refreshAt } from './outbox-content.ts';
import { Lane } from './outbox-lane.ts';
import { Turns } from './outbox-turns.ts';
import { type UnsentListener, UnsentMessages } from './outbox-unsent.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';
import type { PostBudget } from './post-budget.ts';
import { PostPace } from './post-pace.ts';

export interface SenderOptions {
  /** Created with `rejectRateLimitedCalls` and without retries (`createClients().outbox`). */
  client: WebClient;
  store: OutboxStore;
  clock: Clock;
  log: Logger;
  /** Slack users to tell that a channel cannot be posted to. The first who can be reached is told. */
  admins: (channel: string) => readonly string[];
  /** Shared with whoever else edits messages. */
  edits: EditBudget;
  /** Shared with whoever else posts; left out: nobody does. */
  posts?: PostBudget | undefined;
  /** Milliseconds between two posts in one channel once a burst is over; default 1,000, Slack's limit. */
  postInterval?: number | undefined;
  /** Ends with the lease under which this sender works; nothing is sent afterwards. The store knows the lease's fence. */
  signal?: AbortSignal | undefined;
  /** Whether that lease is held for certain, asked right before a call: a process that hung may not have heard yet. */
  isHeld?: (() => boolean) | undefined;
  /** Milliseconds before a failed call is repeated; doubles up to the second. Default 1,000 and 60,000. */
  backoff?: readonly [first: number, most: number];
  /** Milliseconds between checks of a channel that could not be posted to; the last value repeats. */
  checks?: readonly number[];
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Posts that waited longer for a dead channel are not sent when it works again. */
const STALE_MS = 24 * 3_600_000;

/** The posts of one channel. */
interface Channel {
  lane: Lane;
  pace: PostPace;
  turns: Turns;
}

export class OutboxSender {
  readonly #options: SenderOptions;
  readonly #unsent: UnsentMessages;
  readonly #channels = new Map<string, Channel>();
  readonly #edits: Lane;
  /** After Slack refused a post. It does not say which of its limits was reached, so all channels wait. */
  readonly #postsRefused = new Cooldown();
  readonly #calls: OutboxCalls;
  readonly #dead: DeadChannels;
  readonly #stopping = new AbortController();
  #started = false;
  #problem: string | undefined;

  /**
   * @param outbox takes the sender's own messages: that a channel is dead
   * @param tell is told what became of each message
   */
  constructor(
    options: SenderOptions,
    outbox: ConstructorParameters<typeof DeadChannels>[1],
    tell: UnsentListener['tell'],
  ) {
    this.#options = options;
    // Each channel may have a pause that listens.
    setMaxListeners(0, this.#stopping.signal);
    const { signal } = options;
    if (signal?.aborted) this.#stopping.abort(signal.reason);
    else
      signal?.addEventListener('abort', () => this.#stopping.abort(signal.reason), {
        signal: this.#stopping.signal,
      });
    this.#calls = new OutboxCalls(options);
    this.#unsent = new UnsentMessages(options, this.#stopping.signal, {
      ready: (record) => this.#enqueue(record),
      tell,
      sleep: (ms) => this.#sleep(ms),
    });
    this.#edits = this.#newLane((lane) => this.#runEdits(lane));
    this.#dead = new DeadChannels(options, outbox, (channel) => this.#revived(channel));
  }

  /** Continues with what a stop or a crash left. Messages that come earlier wait for this. */
  async start(): Promise<void> {
    await this.#dead.start();
    await this.#unsent.load();
    this.#started = true;
    for (const record of this.#unsent.values()) this.#enqueue(record);
  }

  /** Sends a stored message, unless there is nothing to send. */
  take(record: OutboxRecord): void {
    if (this.#unsent.keep(record) && this.#started) this.#enqueue(record);
  }

  /** Whether this version of a message, or a newer one, is on its way already. */
  knows({ key, version }: OutboxRecord): boolean {
    return (this.#unsent.get(key)?.version ?? Number.NEGATIVE_INFINITY) >= version;
  }

  async revive(channel: string): Promise<void> {
    await this.#dead.revive(channel);
  }

  get waiting(): number {
    return this.#unsent.size;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  async drain(signal?: AbortSignal): Promise<void> {
    for (let busy = this.#running(); busy.length > 0; busy = this.#running())
      await unlessAborted(signal, Promise.all(busy));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dead.stop();
    await Promise.all(this.#lanes().map((lane) => lane.stop()));
  }

  // --- Lanes: one for the posts of each channel, one for all edits ---

  #enqueue(record: OutboxRecord): void {
    const lane = record.posted ? this.#edits : this.#channelOf(record.channel).lane;
    lane.keys.add(record.key);
    lane.kick();
  }

  #channelOf(id: string): Channel {
    let channel = this.#channels.get(id);
    if (!channel) {
      const pace = new PostPace(this.#options.postInterval);
      const turns = new Turns();
      channel = { pace, turns, lane: this.#newLane((lane) => this.#runPosts(lane, pace, turns)) };
      this.#channels.set(id, channel);
    }
    return channel;
  }

  #newLane(work: (lane: Lane) => Promise<void>): Lane {
    const { clock, log } = this.#options;
    return new Lane(clock, work, (lane, error) => {
      if (this.#stopping.signal.aborted) return;
      log.error({ err: error }, 'the outbox failed and goes on later');
      lane.wakeAt(clock.now() + this.#delay(lane));
    });
  }

  #lanes(): Lane[] {
    return [this.#edits, ...[...this.#channels.values()].map(({ lane }) => lane)];
  }

  #running(): Promise<void>[] {
    return this.#lanes().flatMap(({ running }) => running ?? []);
  }

  async #runPosts(lane: Lane, pace: PostPace, turns: Turns): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const record = turns.next(await this.#sendable(lane));
      if (!record) return;
      const now = clock.now();
      const wait =
        Math.max(lane.backoff.left(now), this.#postsRefused.left(now), pace.wait(now)) ||
        (await this.#options.posts?.tryTake(record.channel, 'notification')) ||
        0;
      if (wait > 0) await this.#sleep(wait);
      else {
        pace.take(now);
        turns.served(record);
        const refusedFor = await this.#send(lane, record, () => this.#post(record));
        if (refusedFor === undefined) continue;
        this.#postsRefused.begin(clock.now(), refusedFor);
        this.#options.posts?.refused(record.channel, refusedFor);
        pace.refused(clock.now());
      }
    }
  }

  async #runEdits(lane: Lane): Promise<void> {
    const { clock, edits } = this.#options;
    for (;;) {
      const record = this.#nextEdit(lane);
      if (!record) return;
      if (isShown(record) && !this.#unsent.isUnsure(record.key)) {
        await this.#unsent.shown(record);
        continue;
      }
      const wait =
        lane.backoff.left(clock.now()) ||
        (await edits.tryTake(isRefresh(record) ? 'refresh' : 'notification'));
      // Something more important may come in the meantime, and nobody waits for a refresh.
      if (wait > 0 && isRefresh(record)) return lane.wakeAt(clock.now() + wait);
      if (wait > 0) await this.#sleep(wait);
      else {
        // Moved to the end: a message that keeps changing must not hold up the others.
        lane.keys.delete(record.key);
        lane.keys.add(record.key);
        const refusedFor = await this.#send(lane, record, () => this.#edit(record));
        if (refusedFor !== undefined) edits.refused(refusedFor);
      }
    }
  }

  /** What can be posted now, in order of arrival. */
  async #sendable(lane: Lane): Promise<OutboxRecord[]> {
    const now = this.#options.clock.now();
    const sendable: OutboxRecord[] = [];
    for (const key of lane.keys) {
      const record = this.#unsent.get(key);
      if (!record || record.posted !== undefined) {
        lane.keys.delete(key);
        continue;
      }
      if (record.expiresAt !== undefined && record.expiresAt <= now) {
        await this.#unsent.fail(record, 'expired');
        continue;
      }
      if (this.#dead.has(record.channel)) continue;
      if (record.notBefore !== undefined && record.notBefore > now) {
        lane.wakeAt(record.notBefore);
        continue;
      }
      if (record.thread !== undefined) {
        const parent = await this.#options.store.getPost(record.thread);
        if (parent?.failed && !parent.posted) {
          await this.#unsent.fail(record, 'thread_lost');
          continue;
        }
        // Posting the parent wakes this lane.
        if (!parent?.posted) continue;
      }
      sendable.push(record);
    }
    return sendable;
  }

  /** Urgent edits first, then news in order of arrival, then the message that was refreshed longest ago. */
  #nextEdit(lane: Lane): OutboxRecord | undefined {
    const now = this.#options.clock.now();
    let first: OutboxRecord | undefined;
    let oldest: OutboxRecord | undefined;
    for (const key of lane.keys) {
      const record = this.#unsent.get(key);
      if (!record?.posted) {
        lane.keys.delete(key);
        continue;
      }
      if (this.#dead.has(record.channel)) continue;
      if (isRefresh(record)) {
        const dueAt = refreshAt(record, now);
        if (dueAt > now) lane.wakeAt(dueAt);
        else if (!oldest || (record.shownAt ?? 0) < (oldest.shownAt ?? 0)) oldest = record;
      } else if (record.urgent) return record;
      else first ??= record;
    }
    return first ?? oldest;
  }

  async #sleep(ms: number): Promise<void> {
    const wait = this.#options.sleep ?? pause;
    await wait(Math.min(Math.ceil(ms), 60_000), this.#stopping.signal);
  }

  #delay(lane: Lane): number {
    return backoff(this.#options.backoff ?? [1000, 60_000], lane.failures);
  }

  // --- Out ---

  /** @returns milliseconds that Slack asks to wait before such a call; undefined when it was not rate limited */
  async #send(lane: Lane, record: OutboxRecord, call: () => Promise<void>): Promise<number | undefined> {
    const { log } = this.#options;
    try {
      await call();
      lane.failures = 0;
      this.#problem = undefined;
      return undefined;
    } catch (thrown) {
      // The next sender finds in the store how far this came.
      if (this.#unsent.isOver(thrown)) throw thrown;
      const lookup = thrown instanceof LookupFailed;
      const error = lookup ? thrown.cause : thrown;
      const verdict = verdictOf(error);
      log.debug({ err: error, key: record.key, verdict: verdict.kind }, 'a message was not sent');
      if (!lookup) return this.#judged(lane, record, verdict, error);
      this.#checkAgain(lane, verdict);
      return undefined;
    }
  }

  /** It is still unknown whether the message arrived, so the next try searches the channel first again. */
  #checkAgain(lane: Lane, verdict: Verdict): void {
    lane.failures += 1;
    const wait = verdict.kind === 'wait' ? verdict.ms : this.#delay(lane);
    lane.backoff.begin(this.#options.clock.now(), wait);
    if (lane.failures >= 3) this.#problem = `messages cannot be looked for: ${verdict.code}`;
  }

  async #judged(
    lane: Lane,
    record: OutboxRecord,
    verdict: Verdict,
    error: unknown,
  ): Promise<number | undefined> {
    const { clock, log } = this.#options;
    const arrived = verdict.kind === 'again' ? verdict.arrived : 'no';
    if (!record.posted && arrived === 'no') await this.#unsent.notPosted(record);
    switch (verdict.kind) {
      case 'wait':
        return verdict.ms;
      case 'again':
        lane.failures += 1;
        lane.backoff.begin(clock.now(), this.#delay(lane));
        if (lane.failures >= 3) this.#problem = `messages cannot be sent: ${verdict.code}`;
        log.warn(
          { key: record.key, code: verdict.code, failures: lane.failures },
          'a message is tried again later',
        );
        return undefined;
      case 'channel':
        // The notice itself failed: give it up, and the next admin is told instead.
        if (isNoticeOfDeadChannel(record.key)) await this.#unsent.fail(record, verdict.code);
        else await this.#dead.bury(record.channel, verdict.code);
        return undefined;
      case 'content':
        log.error({ err: error, key: record.key, code: verdict.code }, 'Slack does not take a message');
        await this.#unsent.fail(record, `content:${verdict.code}`);
        return undefined;
      case 'lost':
        await this.#unsent.fail(record, verdict.code);
        return undefined;
    }
  }

  async #post(record: OutboxRecord): Promise<void> {
    const { store } = this.#options;
    const parent = record.thread === undefined ? undefined : (await store.getPost(record.thread))?.posted;
    if (record.postingSince !== undefined) {
      const found = await this.#calls.find(record, parent?.ts);
      if (found) return this.#unsent.posted(record, found);
    }
    const begun = await this.#unsent.posting(record);
    if (!begun?.message) return;
    this.#requireHeld();
    const posted = await this.#calls.post(begun, begun.message, parent);
    await this.#unsent.posted(begun, { ...posted, version: begun.version }, begun.message);
  }

  async #edit(record: OutboxRecord): Promise<void> {
    const { posted, message } = record;
    if (!posted || !message) return;
    this.#requireHeld();
    this.#unsent.editing(record);
    await this.#calls.edit(posted, message);
    await this.#unsent.edited(record, message);
  }

  /** @throws what ended the lease */
  #requireHeld(): void {
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    if (this.#options.isHeld?.() === false) this.#stopping.abort(this.#options.signal?.reason);
    signal.throwIfAborted();
  }

  async #revived(channel: string): Promise<void> {
    const { lane } = this.#channelOf(channel);
    const stale = this.#options.clock.now() - STALE_MS;
    for (const key of [...lane.keys]) {
      const record = this.#unsent.get(key);
      if (record && record.posted === undefined && record.createdAt < stale)
        await this.#unsent.fail(record, 'expired');
    }
    lane.kick();
    this.#edits.kick();
  }
}
