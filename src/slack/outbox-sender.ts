/**
 * Brings about in Slack what the outbox has on record. Its client is its own, so that interactive replies never wait
 * behind it, and it never repeats a call by itself: whether a post that got no answer has arrived is looked up in the
 * channel first.
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { backoff } from '../ground/backoff.ts';
import { AppError } from '../ground/errors.ts';
import { pause, unlessAborted } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown } from '../ground/token-bucket.ts';
import type { OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import type { OutgoingMessage } from '../ports/outgoing-message.ts';
import type { WebClient } from './clients.ts';
import type { EditBudget } from './edit-budget.ts';
import { LookupFailed, OutboxCalls } from './outbox-calls.ts';
import { DeadChannels, isNoticeOfDeadChannel } from './outbox-channels.ts';
import { afterSending, isRefresh, isShown, refreshAt } from './outbox-content.ts';
import { Lane } from './outbox-lane.ts';
import { Turns } from './outbox-turns.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';
import { PostPace } from './post-pace.ts';

export interface SenderOptions {
  /** With `rejectRateLimitedCalls` and without retries (`createClients().outbox`). */
  client: WebClient;
  store: OutboxStore;
  clock: Clock;
  log: Logger;
  /** Slack users who are told of a channel that cannot be posted to: the first who can be reached. */
  admins: (channel: string) => readonly string[];
  /** Shared with whoever else edits messages. */
  edits: EditBudget;
  /** Milliseconds between two posts in one channel once a burst is over; default 1,000, Slack's limit. */
  postInterval?: number | undefined;
  /** When it ends, nothing is sent any more: of the lease under which it sends. The store is one that knows its fence. */
  signal?: AbortSignal | undefined;
  /** Milliseconds before a failed call is repeated; doubles up to the second. Default 1,000 and 60,000. */
  backoff?: readonly [first: number, most: number];
  /** Milliseconds between checks of a channel that could not be posted to; the last repeats. */
  checks?: readonly number[];
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** What became of a message. */
type Tell = (what: 'posted' | 'failed', record: OutboxRecord) => Promise<void>;

/** Posts that a dead channel missed for longer are not made up for. */
const STALE_MS = 24 * 3_600_000;

/** The posts of one channel. */
interface Channel {
  lane: Lane;
  pace: PostPace;
  turns: Turns;
}

export class OutboxSender {
  readonly #options: SenderOptions;
  /** All that Slack does not show yet. */
  readonly #unsent = new Map<string, OutboxRecord>();
  readonly #channels = new Map<string, Channel>();
  readonly #edits: Lane;
  /** Slack refused a post: which of its limits was met it does not say, so all channels wait. */
  readonly #postsRefused = new Cooldown();
  /** Edits were begun of these, and nobody knows whether they arrived: what Slack shows is not known. */
  readonly #unsure = new Set<string>();
  readonly #calls: OutboxCalls;
  readonly #tell: Tell;
  readonly #dead: DeadChannels;
  readonly #stopping = new AbortController();
  #started = false;
  #problem: string | undefined;

  /** @param outbox for what is to be said of its own accord: that a channel is dead */
  constructor(options: SenderOptions, outbox: ConstructorParameters<typeof DeadChannels>[1], tell: Tell) {
    this.#options = options;
    this.#tell = tell;
    // One pause for each channel.
    setMaxListeners(0, this.#stopping.signal);
    const { signal } = options;
    if (signal?.aborted) this.#stopping.abort(signal.reason);
    else
      signal?.addEventListener('abort', () => this.#stopping.abort(signal.reason), {
        signal: this.#stopping.signal,
      });
    this.#calls = new OutboxCalls(options);
    this.#edits = this.#newLane((lane) => this.#runEdits(lane));
    this.#dead = new DeadChannels(options, outbox, (channel) => this.#revived(channel));
  }

  /** Takes up what a stop or a crash left. What is posted before waits until then. */
  async start(): Promise<void> {
    await this.#dead.start();
    for (const record of await this.#options.store.listUnsent())
      if (!this.#unsent.has(record.key)) {
        this.#keep(record);
        if (record.posted) this.#unsure.add(record.key);
      }
    this.#started = true;
    for (const record of this.#unsent.values()) this.#enqueue(record);
  }

  /** Of a message that was stored: sends it when there is something to send. */
  take(record: OutboxRecord): void {
    this.#keep(record);
    if (this.#started && this.#unsent.has(record.key)) this.#enqueue(record);
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

  #keep(record: OutboxRecord): void {
    if (record.message === undefined || record.failed) this.#unsent.delete(record.key);
    else this.#unsent.set(record.key, record);
  }

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
      const wait = Math.max(lane.backoff.left(now), this.#postsRefused.left(now), pace.wait(now));
      if (wait > 0) await this.#sleep(wait);
      else {
        pace.take(now);
        turns.served(record);
        const refusedFor = await this.#send(lane, record, () => this.#post(record));
        if (refusedFor === undefined) continue;
        this.#postsRefused.begin(clock.now(), refusedFor);
        pace.refused(clock.now());
      }
    }
  }

  async #runEdits(lane: Lane): Promise<void> {
    const { clock, edits } = this.#options;
    for (;;) {
      const record = this.#nextEdit(lane);
      if (!record) return;
      if (isShown(record) && !this.#unsure.has(record.key)) {
        await this.#change(record.key, (known) => ({
          ...known,
          message: known.version === record.version ? undefined : known.message,
        }));
        continue;
      }
      const wait =
        lane.backoff.left(clock.now()) || edits.tryTake(isRefresh(record) ? 'refresh' : 'notification');
      // What is more important may come in the meantime, and nobody waits for a refresh.
      if (wait > 0 && isRefresh(record)) return lane.wakeAt(clock.now() + wait);
      if (wait > 0) await this.#sleep(wait);
      else {
        // To the end: one that changes all the time must not keep the others waiting.
        lane.keys.delete(record.key);
        lane.keys.add(record.key);
        const refusedFor = await this.#send(lane, record, () => this.#edit(record));
        if (refusedFor !== undefined) edits.refused(refusedFor);
      }
    }
  }

  /** What can be posted now, in the order in which it came. */
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
        await this.#fail(record, 'expired');
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
          await this.#fail(record, 'thread_lost');
          continue;
        }
        // Its post wakes this lane.
        if (!parent?.posted) continue;
      }
      sendable.push(record);
    }
    return sendable;
  }

  /** Urgent ones, then news in the order in which they came, then what was refreshed longest ago. */
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

  /** @returns milliseconds for which Slack asked to be left alone with such calls */
  async #send(lane: Lane, record: OutboxRecord, call: () => Promise<void>): Promise<number | undefined> {
    const { log } = this.#options;
    try {
      await call();
      lane.failures = 0;
      this.#problem = undefined;
      return undefined;
    } catch (thrown) {
      // Whoever sends from now on finds on record how far this has come.
      if (this.#isOver(thrown)) throw thrown;
      const lookup = thrown instanceof LookupFailed;
      const error = lookup ? thrown.cause : thrown;
      const verdict = verdictOf(error);
      log.debug({ err: error, key: record.key, verdict: verdict.kind }, 'a message was not sent');
      if (!lookup) return this.#judged(lane, record, verdict, error);
      this.#checkAgain(lane, verdict);
      return undefined;
    }
  }

  /** Nothing is sent any more, or by somebody else: then the store refuses what is written under an older fence. */
  #isOver(error: unknown): boolean {
    const { aborted, reason } = this.#stopping.signal;
    return (aborted && error === reason) || (error instanceof AppError && error.code === 'conflict');
  }

  /** Whether the message is there is as unknown as before: the next try begins by looking again. */
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
    // Certain that it is not there: the next try needs no look into the channel.
    const arrived = verdict.kind === 'again' ? verdict.arrived : 'no';
    if (!record.posted && arrived === 'no')
      await this.#change(record.key, ({ postingSince: _, ...rest }) => rest);
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
        // An admin who cannot be told: not worth telling another admin, but to be told instead.
        if (isNoticeOfDeadChannel(record.key)) await this.#fail(record, verdict.code);
        else await this.#dead.bury(record.channel, verdict.code);
        return undefined;
      case 'content':
        log.error({ err: error, key: record.key, code: verdict.code }, 'Slack does not take a message');
        await this.#fail(record, `content:${verdict.code}`);
        return undefined;
      case 'lost':
        await this.#fail(record, verdict.code);
        return undefined;
    }
  }

  async #post(record: OutboxRecord): Promise<void> {
    const { clock, store } = this.#options;
    const parent = record.thread === undefined ? undefined : (await store.getPost(record.thread))?.posted;
    if (record.postingSince !== undefined) {
      const found = await this.#calls.find(record, parent?.ts);
      if (found) return this.#arrived(record, found);
    }
    const begun = await this.#change(record.key, (known) => ({ ...known, postingSince: clock.now() }));
    if (!begun?.message) return;
    this.#stopping.signal.throwIfAborted();
    const { channel, ts } = await this.#calls.post(begun, begun.message, parent);
    await this.#arrived(begun, { channel, ts, version: begun.version }, begun.message);
  }

  async #edit(record: OutboxRecord): Promise<void> {
    const { key, posted, message } = record;
    if (!posted || !message) return;
    this.#stopping.signal.throwIfAborted();
    this.#unsure.add(key);
    await this.#calls.edit(posted, message);
    await this.#change(key, (known) => afterSending(known, record, message, this.#options.clock.now()));
    this.#unsure.delete(key);
  }

  /** @param message what was posted; undefined: an earlier version, found in the channel */
  async #arrived(
    record: OutboxRecord,
    { channel, ts, version }: { channel: string; ts: string; version: number },
    message?: OutgoingMessage,
  ): Promise<void> {
    const { clock } = this.#options;
    const at = clock.now();
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...afterSending(known, { ...record, version }, message, at),
      posted: { channel, ts, at },
    }));
    if (!after?.posted) return;
    for (const waiting of this.#unsent.values())
      if (waiting.thread === record.key && waiting.posted === undefined) this.#enqueue(waiting);
    await this.#tell('posted', after);
  }

  async #fail(record: OutboxRecord, code: string): Promise<void> {
    const at = this.#options.clock.now();
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...known,
      failed: { code, at },
      message: undefined,
    }));
    this.#unsure.delete(record.key);
    if (!after) return;
    this.#options.log.warn({ key: record.key, channel: record.channel, code }, 'a message is given up');
    for (const waiting of this.#unsent.values()) if (waiting.thread === record.key) this.#enqueue(waiting);
    await this.#tell('failed', after);
  }

  /** What Slack has done must be recorded, however long the disk takes: otherwise it is done again. */
  async #change(
    key: string,
    change: (known: OutboxRecord) => OutboxRecord,
  ): Promise<OutboxRecord | undefined> {
    const { store, log } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        const record = await store.changePost(key, (known) => known && change(known));
        if (record) {
          this.#keep(record);
          if (record.message !== undefined && record.posted && !record.failed) this.#enqueue(record);
        } else this.#unsent.delete(key);
        return record;
      } catch (error) {
        if (this.#stopping.signal.aborted || this.#isOver(error)) throw error;
        log.error({ err: error, key, tries }, 'what became of a message cannot be stored');
        await this.#sleep(Math.min(30_000, 500 * tries));
      }
    }
  }

  async #revived(channel: string): Promise<void> {
    const { lane } = this.#channelOf(channel);
    const stale = this.#options.clock.now() - STALE_MS;
    for (const key of [...lane.keys]) {
      const record = this.#unsent.get(key);
      if (record && record.posted === undefined && record.createdAt < stale)
        await this.#fail(record, 'expired');
    }
    lane.kick();
    this.#edits.kick();
  }
}
