/**
 * The one sender of notifications. A message is stored before it is sent; what it shows is brought about later, in
 * order, at the pace that Slack allows, also after a restart. Its client is its own, so that interactive replies
 * never wait behind it, and it never repeats a call by itself: whether a post that got no answer has arrived is
 * looked up in the channel first.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { Clock, EpochMs, OutboxRecord, OutboxStore, OutgoingMessage } from '../ports.ts';
import type { WebClient } from './clients.ts';
import type { EditBudget } from './edit-budget.ts';
import { NotLookedUp, OutboxCalls } from './outbox-calls.ts';
import { DeadChannels, isNoticeOfDeadChannel } from './outbox-channels.ts';
import { Lane } from './outbox-lane.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';
import { Pause, TokenBucket } from './pace.ts';

export interface OutboxOptions {
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
  /** Milliseconds before a failed call is repeated; doubles up to the second. Default 1,000 and 60,000. */
  backoff?: readonly [first: number, most: number];
  /** Milliseconds until looks at a channel that could not be posted to; the last repeats. */
  looks?: readonly number[];
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export interface PostOptions {
  /** Key of the message in whose thread it stands; it waits until that one is posted. */
  thread?: string | undefined;
  /** Goes before what waits for the same channel. */
  urgent?: boolean | undefined;
  notBefore?: EpochMs | undefined;
  /** Of no use after that. */
  expiresAt?: EpochMs | undefined;
}

export interface ContentOptions {
  /**
   * The content without its times, in any form. Content that says what Slack shows already is a mere refresh: sent
   * when nothing else is to be edited, what was shown longest ago first.
   */
  says?: string | undefined;
  /** Milliseconds between two refreshes, when there is room for them; left out: it is not refreshed. */
  refreshEvery?: number | undefined;
}

export interface OutboxListener {
  /** Slack shows it, in its first version; told once, and again after a restart for one recovered then. */
  posted?(record: OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> }): void | Promise<void>;
  /** It will not be tried any more: `failed.code` is Slack's error, `expired` or `thread_lost`. */
  failed?(record: OutboxRecord): void | Promise<void>;
}

/** Posts that a dead channel missed for longer are not made up for. */
const STALE_MS = 24 * 3_600_000;
/**
 * Slack: one message a second in each channel, and "short bursts >1 allowed", of which it does not promise to show
 * everything (https://docs.slack.dev/apis/web-api/rate-limits). People report bursts of 25 and more; three are enough for
 * events that come at random, and leave room for replies to commands in the same channel.
 */
const BURST = 3;
/** Milliseconds for which a channel in which Slack refused a post gets no bursts. */
const STRICT_MS = 5 * 60_000;

/** The posts of one channel. */
interface Channel {
  lane: Lane;
  bucket: TokenBucket;
  strict: Pause;
}

export class Outbox {
  readonly #options: OutboxOptions;
  /** All that Slack does not show yet. */
  readonly #unsent = new Map<string, OutboxRecord>();
  readonly #channels = new Map<string, Channel>();
  readonly #edits: Lane;
  /** Slack refused a post: which of its limits was met it does not say, so all channels wait. */
  readonly #postsRefused = new Pause();
  /** Edits were begun of these, and nobody knows whether they arrived: what Slack shows is not known. */
  readonly #unsure = new Set<string>();
  readonly #calls: OutboxCalls;
  readonly #listeners = new Set<OutboxListener>();
  readonly #dead: DeadChannels;
  readonly #stopping = new AbortController();
  #started = false;
  #problem: string | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    // One pause for each channel.
    setMaxListeners(0, this.#stopping.signal);
    this.#calls = new OutboxCalls(options);
    this.#edits = this.#newLane((lane) => this.#runEdits(lane));
    this.#dead = new DeadChannels(options, this, (channel) => this.#revived(channel));
  }

  /** Takes up what a stop or a crash left. What is posted before waits until then. */
  async start(): Promise<void> {
    await this.#dead.start();
    for (const record of await this.#options.store.listUnsent())
      if (!this.#unsent.has(record.key)) {
        this.#take(record);
        if (record.posted) this.#unsure.add(record.key);
      }
    this.#started = true;
    for (const record of this.#unsent.values()) this.#enqueue(record);
  }

  // --- In ---

  /**
   * Returns once the message is stored: it will be posted. A key that is known posts nothing again and changes
   * nothing, whatever the content.
   * @param channel a channel, or a user for the direct message with them
   * @returns whether the key was new
   */
  async post(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<boolean> {
    const now = this.#options.clock.now();
    let isNew = false;
    const record = await this.#options.store.changePost(key, (known) => {
      isNew = known === undefined;
      if (known) return known;
      const { thread, urgent, notBefore, expiresAt } = options;
      return {
        key,
        id: randomUUID(),
        channel,
        ...(thread === undefined ? {} : { thread }),
        ...(urgent ? { urgent } : {}),
        ...(notBefore === undefined ? {} : { notBefore }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        createdAt: now,
        changedAt: now,
        ...contentOf(message, options),
        version: 1,
        shown: 0,
      };
    });
    if (isNew && record) this.#take(record, true);
    return isNew;
  }

  /**
   * Returns once it is stored. The newest content wins; what Slack shows already is not sent again.
   * @returns false: the key is not known (any more), or the message is gone
   */
  async update(key: string, message: Message, options: ContentOptions = {}): Promise<boolean> {
    const content = contentOf(message, options);
    let taken = false;
    const record = await this.#options.store.changePost(key, (known) => {
      taken = known !== undefined && (known.failed === undefined || known.failed.code.startsWith('content:'));
      if (!known || !taken) return known;
      // While something is on its way, what Slack is going to show is not known: the lane decides when it is.
      if (known.posted && known.message === undefined && isShown({ ...known, ...content })) return known;
      const { failed: _, says: _says, refreshEvery: _every, ...rest } = known;
      return { ...rest, ...content, version: known.version + 1, changedAt: this.#options.clock.now() };
    });
    if (taken && record) this.#take(record, true);
    return taken;
  }

  /** Posts it, or changes it when it is there: for cards. */
  async show(
    key: string,
    channel: string,
    message: Message,
    options: PostOptions & ContentOptions = {},
  ): Promise<void> {
    if (!(await this.post(key, channel, message, options))) await this.update(key, message, options);
  }

  /** Takes over a message that something else posted, so that it can be changed and answered by its key. */
  async adopt(key: string, channel: string, ts: string): Promise<void> {
    const now = this.#options.clock.now();
    await this.#options.store.changePost(
      key,
      (known) =>
        known ?? {
          key,
          id: randomUUID(),
          channel,
          createdAt: now,
          changedAt: now,
          version: 1,
          shown: 1,
          posted: { channel, ts, at: now },
        },
    );
  }

  /** Where a message stands; undefined while it is not posted. */
  async posted(key: string): Promise<{ channel: string; ts: string } | undefined> {
    return (await this.#options.store.getPost(key))?.posted;
  }

  /** @returns ends it */
  listen(listener: OutboxListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The bot came (back) to a channel: what waits for it goes on at once. Nothing for a channel that works. */
  async revive(channel: string): Promise<void> {
    await this.#dead.revive(channel);
  }

  /** Messages that wait, those for dead channels included. */
  get waiting(): number {
    return this.#unsent.size;
  }

  /** What is in the way of all messages, for readiness checks. */
  problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when nothing is left that can be sent now, or rejects with the signal's reason. */
  async drain(signal?: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => undefined);
    for (let busy = this.#running(); busy.length > 0; busy = this.#running())
      await Promise.race([Promise.all(busy), aborted]);
  }

  /** The calls under way end and are recorded; what is left waits for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dead.stop();
    await Promise.all(this.#lanes().map((lane) => lane.stop()));
  }

  // --- Lanes: one for the posts of each channel, one for all edits ---

  /** Keeps what is known of a message; sends it when there is something to send. */
  #take(record: OutboxRecord, send = false): void {
    if (record.message === undefined || record.failed) {
      this.#unsent.delete(record.key);
      return;
    }
    this.#unsent.set(record.key, record);
    if (send && this.#started) this.#enqueue(record);
  }

  #enqueue(record: OutboxRecord): void {
    const lane = record.posted ? this.#edits : this.#channelOf(record.channel).lane;
    lane.keys.add(record.key);
    lane.kick();
  }

  #channelOf(id: string): Channel {
    let channel = this.#channels.get(id);
    if (!channel) {
      const bucket = new TokenBucket(BURST, this.#options.postInterval ?? 1000);
      const made: Channel = {
        lane: this.#newLane((lane) => this.#runPosts(lane, made)),
        bucket,
        strict: new Pause(),
      };
      channel = made;
      this.#channels.set(id, channel);
    }
    return channel;
  }

  #newLane(work: (lane: Lane) => Promise<void>): Lane {
    const { clock, log } = this.#options;
    return new Lane(clock, work, (lane, error) => {
      if (this.#stopping.signal.aborted) return;
      log.error({ err: error }, 'the outbox stumbled');
      lane.wakeAt(clock.now() + this.#delay(lane));
    });
  }

  #lanes(): Lane[] {
    return [this.#edits, ...[...this.#channels.values()].map(({ lane }) => lane)];
  }

  #running(): Promise<void>[] {
    return this.#lanes().flatMap(({ running }) => running ?? []);
  }

  async #runPosts(lane: Lane, { bucket, strict }: Channel): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const record = await this.#nextPost(lane);
      if (!record) return;
      const now = clock.now();
      const wait = Math.max(
        lane.backoff.left(now),
        this.#postsRefused.left(now),
        // Strict: only when nothing of the burst is used.
        bucket.wait(now, strict.left(now) > 0 ? BURST - 1 : 0),
      );
      if (wait > 0) await this.#sleep(wait);
      else {
        bucket.take(now);
        const refusedFor = await this.#send(lane, record, () => this.#post(record));
        if (refusedFor === undefined) continue;
        this.#postsRefused.begin(clock.now(), refusedFor);
        strict.begin(clock.now(), STRICT_MS);
        bucket.empty(clock.now());
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

  /** The first that can be posted now; urgent ones before others. */
  async #nextPost(lane: Lane): Promise<OutboxRecord | undefined> {
    const now = this.#options.clock.now();
    let first: OutboxRecord | undefined;
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
      if (record.urgent) return record;
      first ??= record;
    }
    return first;
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
        const { shownAt = 0, refreshEvery = 0 } = record;
        const dueAt = shownAt > now ? now : shownAt + refreshEvery;
        if (dueAt > now) lane.wakeAt(dueAt);
        else if (shownAt < (oldest?.shownAt ?? Number.POSITIVE_INFINITY)) oldest = record;
      } else if (record.urgent) return record;
      else first ??= record;
    }
    return first ?? oldest;
  }

  async #sleep(ms: number): Promise<void> {
    const wait = this.#options.sleep ?? ((time, signal) => sleep(time, undefined, { signal }));
    await wait(Math.min(Math.ceil(ms), 60_000), this.#stopping.signal);
  }

  #delay(lane: Lane): number {
    const [first, most] = this.#options.backoff ?? [1000, 60_000];
    return Math.min(most, first * 2 ** Math.min(10, Math.max(0, lane.failures - 1)));
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
      const lookup = thrown instanceof NotLookedUp;
      const error = lookup ? thrown.cause : thrown;
      const verdict = verdictOf(error);
      log.debug({ err: error, key: record.key, verdict: verdict.kind }, 'a message was not sent');
      if (!lookup) return this.#judged(lane, record, verdict, error);
      this.#lookAgain(lane, verdict);
      return undefined;
    }
  }

  /** Whether the message is there is as unknown as before: the next try begins by looking again. */
  #lookAgain(lane: Lane, verdict: Verdict): void {
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
    const { channel, ts } = await this.#calls.post(begun, begun.message, parent);
    await this.#arrived(begun, { channel, ts, version: begun.version }, begun.message);
  }

  async #edit(record: OutboxRecord): Promise<void> {
    const { key, posted, message } = record;
    if (!posted || !message) return;
    this.#unsure.add(key);
    await this.#calls.edit(posted, message);
    await this.#change(key, (known) => ({ ...known, ...this.#shownBy(known, record, message) }));
    this.#unsure.delete(key);
  }

  /** @param message what was posted; undefined: an earlier version, found in the channel */
  async #arrived(
    record: OutboxRecord,
    { channel, ts, version }: { channel: string; ts: string; version: number },
    message?: OutgoingMessage,
  ): Promise<void> {
    const { clock } = this.#options;
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...known,
      posted: { channel, ts, at: clock.now() },
      ...this.#shownBy(known, { ...record, version }, message),
    }));
    if (!after?.posted) return;
    for (const waiting of this.#unsent.values())
      if (waiting.thread === record.key && waiting.posted === undefined) this.#enqueue(waiting);
    await this.#tell('posted', after);
  }

  /** What is known of a message once Slack shows what was `sent`. */
  #shownBy(
    known: OutboxRecord,
    sent: Pick<OutboxRecord, 'version' | 'says'>,
    message: OutgoingMessage | undefined,
  ): Partial<OutboxRecord> {
    return {
      shown: Math.max(known.shown, sent.version),
      shownAt: this.#options.clock.now(),
      ...(message ? { digest: digestOf(message), shownSays: sent.says } : {}),
      message: known.version === sent.version ? undefined : known.message,
    };
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
          this.#take(record);
          if (record.message !== undefined && record.posted && !record.failed) this.#enqueue(record);
        } else this.#unsent.delete(key);
        return record;
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        log.error({ err: error, key, tries }, 'what became of a message cannot be stored');
        await this.#sleep(Math.min(30_000, 500 * tries));
      }
    }
  }

  async #tell(what: keyof OutboxListener, record: OutboxRecord): Promise<void> {
    for (const listener of this.#listeners)
      try {
        await listener[what]?.(record as OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> });
      } catch (error) {
        this.#options.log.error({ err: error, key: record.key }, 'a listener of the outbox failed');
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

/** Nothing of it is news but times. */
const isRefresh = ({ posted, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  posted !== undefined && says !== undefined && says === shownSays && refreshEvery !== undefined;

/** Slack shows it already, or all but times of something that is over. */
const isShown = ({ message, digest, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  message !== undefined &&
  (digestOf(message) === digest || (says !== undefined && says === shownSays && refreshEvery === undefined));

function contentOf(
  { text, blocks, fallback }: Message,
  { says, refreshEvery }: ContentOptions,
): Pick<OutboxRecord, 'says' | 'refreshEvery'> & { message: OutgoingMessage } {
  return {
    message: { text, ...(blocks ? { blocks } : {}), ...(fallback ? { fallback } : {}) },
    ...(says === undefined ? {} : { says: sha(says) }),
    ...(refreshEvery === undefined ? {} : { refreshEvery }),
  };
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const digestOf = ({ text, blocks }: OutgoingMessage): string => sha(JSON.stringify([text, blocks ?? []]));
