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
import type { Block, Message } from '../blocks/message.ts';
import type { Clock, EpochMs, OutboxRecord, OutboxStore, OutgoingMessage } from '../ports.ts';
import type { WebClient } from './clients.ts';
import { withFallback } from './errors.ts';
import { DeadChannels, isNoticeOfDeadChannel } from './outbox-channels.ts';
import { type Verdict, verdictOf } from './outbox-verdict.ts';

export interface OutboxOptions {
  /** With `rejectRateLimitedCalls` and without retries (`createClients().outbox`). */
  client: WebClient;
  store: OutboxStore;
  clock: Clock;
  log: Logger;
  /** Slack users who are told of a channel that cannot be posted to: the first who can be reached. */
  admins: (channel: string) => readonly string[];
  /** Milliseconds between two posts in one channel; default 1,000, Slack's limit. */
  postInterval?: number;
  /** Milliseconds between two edits anywhere; default 1,300: Slack allows 50 a minute, and replies to people edit too. */
  updateInterval?: number;
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

export interface OutboxListener {
  /** Slack shows it, in its first version; told once, and again after a restart for one recovered then. */
  posted?(record: OutboxRecord & { posted: NonNullable<OutboxRecord['posted']> }): void | Promise<void>;
  /** It will not be tried any more: `failed.code` is Slack's error, `expired` or `thread_lost`. */
  failed?(record: OutboxRecord): void | Promise<void>;
}

/** Posts that a dead channel missed for longer are not made up for. */
const STALE_MS = 24 * 3_600_000;
/** Clocks here and at Slack may differ by so much when a lost post is looked for. */
const SKEW_MS = 5 * 60_000;
const METADATA_TYPE = 'signalbox_message';

interface Lane {
  method: 'chat.postMessage' | 'chat.update';
  keys: Set<string>;
  busy: boolean;
  /** Something came in while the lane was looking for work. */
  dirty: boolean;
  nextAt: EpochMs;
  failures: number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  /** All that Slack does not show yet. */
  readonly #unsent = new Map<string, OutboxRecord>();
  readonly #channels = new Map<string, Lane>();
  readonly #updates = newLane('chat.update');
  readonly #pausedUntil = new Map<Lane['method'], EpochMs>();
  readonly #listeners = new Set<OutboxListener>();
  readonly #dead: DeadChannels;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #wake = new Map<Lane, NodeJS.Timeout>();
  #started = false;
  #problem: string | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    // One pause for each channel.
    setMaxListeners(0, this.#stopping.signal);
    this.#dead = new DeadChannels(options, this, (channel) => this.#revived(channel));
  }

  /** Takes up what a stop or a crash left. What is posted before waits until then. */
  async start(): Promise<void> {
    await this.#dead.start();
    for (const record of await this.#options.store.listUnsent())
      if (!this.#unsent.has(record.key)) this.#take(record);
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
  async post(key: string, channel: string, message: Message, options: PostOptions = {}): Promise<boolean> {
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
        message: outgoing(message),
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
  async update(key: string, message: Message): Promise<boolean> {
    const content = outgoing(message);
    let taken = false;
    const record = await this.#options.store.changePost(key, (known) => {
      taken = known !== undefined && (known.failed === undefined || known.failed.code.startsWith('content:'));
      if (!known || !taken) return known;
      // Back to what is shown: nothing is to be sent, whatever was on its way.
      const same = known.posted !== undefined && digestOf(content) === known.digest;
      if (same && known.message === undefined) return known;
      const { failed: _, ...rest } = known;
      return {
        ...rest,
        message: same ? undefined : content,
        version: known.version + 1,
        changedAt: this.#options.clock.now(),
      };
    });
    if (taken && record) this.#take(record, true);
    return taken;
  }

  /** Posts it, or changes it when it is there: for cards. */
  async show(key: string, channel: string, message: Message, options: PostOptions = {}): Promise<void> {
    if (!(await this.post(key, channel, message, options))) await this.update(key, message);
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
    while (this.#running.size > 0) await Promise.race([Promise.all([...this.#running]), aborted]);
  }

  /** The calls under way end and are recorded; what is left waits for the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dead.stop();
    for (const timer of this.#wake.values()) clearTimeout(timer);
    await Promise.all([...this.#running]);
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
    const lane = record.posted ? this.#updates : this.#laneOf(record.channel);
    lane.keys.add(record.key);
    this.#kick(lane);
  }

  #laneOf(channel: string): Lane {
    let lane = this.#channels.get(channel);
    if (!lane) {
      lane = newLane('chat.postMessage');
      this.#channels.set(channel, lane);
    }
    return lane;
  }

  #kick(lane: Lane): void {
    lane.dirty = true;
    if (lane.busy || this.#stopping.signal.aborted) return;
    lane.busy = true;
    clearTimeout(this.#wake.get(lane));
    let stumbled = false;
    const run = this.#run(lane)
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        stumbled = true;
        this.#options.log.error({ err: error }, 'the outbox stumbled');
      })
      .finally(() => {
        lane.busy = false;
        this.#running.delete(run);
        if (stumbled) this.#wakeAt(lane, this.#options.clock.now() + this.#delay(lane));
        else if (lane.dirty) this.#kick(lane);
      });
    this.#running.add(run);
  }

  async #run(lane: Lane): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      if (this.#stopping.signal.aborted) return;
      lane.dirty = false;
      const { record, waitUntil } = await this.#next(lane);
      if (!record) {
        if (lane.dirty) continue;
        if (waitUntil !== undefined) this.#wakeAt(lane, waitUntil);
        return;
      }
      // The pause may be lengthened while it is waited for.
      for (;;) {
        const wait = Math.max(lane.nextAt, this.#pausedUntil.get(lane.method) ?? 0) - clock.now();
        if (wait <= 0) break;
        lane.dirty = true;
        await this.#sleep(wait);
      }
      lane.dirty = true;
      await this.#send(lane, this.#unsent.get(record.key) ?? record);
    }
  }

  /** The first message that can be sent now; urgent ones before others. */
  async #next(lane: Lane): Promise<{ record?: OutboxRecord; waitUntil?: EpochMs }> {
    const now = this.#options.clock.now();
    let first: OutboxRecord | undefined;
    let waitUntil: EpochMs | undefined;
    for (const key of lane.keys) {
      const record = this.#unsent.get(key);
      if (!record || (record.posted === undefined) !== (lane.method === 'chat.postMessage')) {
        lane.keys.delete(key);
        continue;
      }
      if (record.posted === undefined && record.expiresAt !== undefined && record.expiresAt <= now) {
        await this.#fail(record, 'expired');
        continue;
      }
      if (this.#dead.has(record.channel)) continue;
      if (record.notBefore !== undefined && record.posted === undefined && record.notBefore > now) {
        waitUntil = Math.min(waitUntil ?? Number.POSITIVE_INFINITY, record.notBefore);
        continue;
      }
      if (record.thread !== undefined && record.posted === undefined) {
        const parent = await this.#options.store.getPost(record.thread);
        if (parent?.failed && !parent.posted) {
          await this.#fail(record, 'thread_lost');
          continue;
        }
        // Its post wakes this lane.
        if (!parent?.posted) continue;
      }
      if (record.urgent) return { record };
      first ??= record;
    }
    return { ...(first ? { record: first } : {}), ...(waitUntil === undefined ? {} : { waitUntil }) };
  }

  #wakeAt(lane: Lane, at: EpochMs): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#wake.get(lane));
    // Longer waits overflow a timer; clocks that jump are met within the minute.
    const wait = Math.min(60_000, Math.max(0, at - this.#options.clock.now()));
    const timer = setTimeout(() => this.#kick(lane), wait);
    timer.unref();
    this.#wake.set(lane, timer);
  }

  async #sleep(ms: number): Promise<void> {
    const wait = this.#options.sleep ?? ((time, signal) => sleep(time, undefined, { signal }));
    await wait(Math.min(ms, 60_000), this.#stopping.signal);
  }

  #delay(lane: Lane): number {
    const [first, most] = this.#options.backoff ?? [1000, 60_000];
    return Math.min(most, first * 2 ** Math.min(10, Math.max(0, lane.failures - 1)));
  }

  // --- Out ---

  async #send(lane: Lane, record: OutboxRecord): Promise<void> {
    const { clock, log } = this.#options;
    const posting = lane.method === 'chat.postMessage';
    try {
      await (posting ? this.#post(record) : this.#edit(record));
      lane.failures = 0;
      this.#problem = undefined;
    } catch (thrown) {
      const lookup = thrown instanceof NotLookedUp;
      const error = lookup ? thrown.cause : thrown;
      const verdict = verdictOf(error);
      log.debug({ err: error, key: record.key, verdict: verdict.kind }, 'a message was not sent');
      if (lookup) this.#lookAgain(lane, verdict);
      else await this.#judged(lane, record, verdict, error);
    }
    const interval = posting ? (this.#options.postInterval ?? 1000) : (this.#options.updateInterval ?? 1300);
    lane.nextAt = Math.max(lane.nextAt, clock.now() + interval);
  }

  /** Whether the message is there is as unknown as before: the next try begins by looking again. */
  #lookAgain(lane: Lane, verdict: Verdict): void {
    lane.failures += 1;
    const wait = verdict.kind === 'wait' ? verdict.ms : this.#delay(lane);
    lane.nextAt = this.#options.clock.now() + wait;
    if (lane.failures >= 3) this.#problem = `messages cannot be looked for: ${verdict.code}`;
  }

  async #judged(lane: Lane, record: OutboxRecord, verdict: Verdict, error: unknown): Promise<void> {
    const { clock, log } = this.#options;
    const posting = lane.method === 'chat.postMessage';
    // Certain that it is not there: the next try needs no look into the channel.
    const arrived = verdict.kind === 'again' ? verdict.arrived : 'no';
    if (posting && arrived === 'no') await this.#change(record.key, ({ postingSince: _, ...rest }) => rest);
    switch (verdict.kind) {
      case 'wait':
        this.#pausedUntil.set(lane.method, clock.now() + verdict.ms);
        return;
      case 'again':
        lane.failures += 1;
        lane.nextAt = clock.now() + this.#delay(lane);
        if (lane.failures >= 3) this.#problem = `messages cannot be sent: ${verdict.code}`;
        log.warn(
          { key: record.key, code: verdict.code, failures: lane.failures },
          'a message is tried again later',
        );
        return;
      case 'channel':
        // An admin who cannot be told: not worth telling another admin, but to be told instead.
        if (isNoticeOfDeadChannel(record.key)) return this.#fail(record, verdict.code);
        await this.#dead.bury(record.channel, verdict.code);
        return;
      case 'content':
        log.error({ err: error, key: record.key, code: verdict.code }, 'Slack does not take a message');
        await this.#fail(record, `content:${verdict.code}`);
        return;
      case 'lost':
        await this.#fail(record, verdict.code);
        return;
    }
  }

  async #post(record: OutboxRecord): Promise<void> {
    const { client, clock, store } = this.#options;
    const parent = record.thread === undefined ? undefined : (await store.getPost(record.thread))?.posted;
    if (record.postingSince !== undefined) {
      const found = await this.#find(record, parent?.ts);
      if (found) return this.#arrived(record, found.channel, found.ts, found.version);
    }
    const begun = await this.#change(record.key, (known) => ({ ...known, postingSince: clock.now() }));
    const message = begun?.message;
    if (!begun || !message) return;
    const answer = await this.#withLastResort(message, (content) =>
      client.chat.postMessage({
        channel: parent?.channel ?? begun.channel,
        ...(parent ? { thread_ts: parent.ts } : {}),
        unfurl_links: false,
        unfurl_media: false,
        metadata: {
          event_type: METADATA_TYPE,
          event_payload: { outbox_id: begun.id, version: begun.version },
        },
        ...content,
      }),
    );
    await this.#arrived(begun, answer.channel ?? begun.channel, answer.ts!, begun.version, message);
  }

  async #edit(record: OutboxRecord): Promise<void> {
    const { posted, message, version } = record;
    if (!posted || !message) return;
    const { channel, ts } = posted;
    await this.#withLastResort(message, (content) =>
      this.#options.client.chat.update({ channel, ts, blocks: [], ...content }),
    );
    await this.#shown(record.key, version, message);
  }

  /** Blocks, else the other blocks, else the text alone: a failure must not be lost for a block. */
  async #withLastResort<T>(
    message: OutgoingMessage,
    send: (content: { text: string; blocks?: Block[] }) => Promise<T>,
  ): Promise<T> {
    try {
      return await withFallback(message as Message, send);
    } catch (error) {
      if (verdictOf(error).kind !== 'content' || !message.blocks) throw error;
      this.#options.log.error(
        { err: error },
        'Slack does not take the blocks of a message: its text is sent alone',
      );
      return send({ text: message.text.slice(0, 3900), blocks: [] });
    }
  }

  /** A post that nobody knows of: was it received? @returns undefined: it is not there, or cannot be looked for */
  async #find(
    record: OutboxRecord,
    thread: string | undefined,
  ): Promise<{ channel: string; ts: string; version: number } | undefined> {
    const { client, log } = this.#options;
    const { channel, id, postingSince = 0 } = record;
    // The direct message's own channel is not known before something was posted there.
    if (/^[UW]/.test(channel)) return undefined;
    const oldest = String(Math.max(0, (postingSince - SKEW_MS) / 1000));
    let cursor: string | undefined;
    do {
      const query = {
        channel,
        oldest,
        limit: 100,
        include_all_metadata: true,
        ...(cursor ? { cursor } : {}),
      };
      try {
        const page =
          thread === undefined
            ? await client.conversations.history(query)
            : await client.conversations.replies({ ...query, ts: thread });
        for (const { metadata, ts } of (page.messages ?? []) as Found[])
          if (metadata?.event_payload?.outbox_id === id && ts !== undefined)
            return { channel, ts, version: Number(metadata.event_payload.version ?? 1) };
        cursor = page.response_metadata?.next_cursor || undefined;
      } catch (error) {
        const { code, kind } = verdictOf(error);
        if (code !== 'missing_scope' && (kind === 'wait' || kind === 'again')) throw new NotLookedUp(error);
        log.warn(
          { key: record.key, code },
          'whether a message was posted cannot be looked up: it is posted again',
        );
        return undefined;
      }
    } while (cursor !== undefined);
    return undefined;
  }

  async #arrived(
    record: OutboxRecord,
    channel: string,
    ts: string,
    version: number,
    message?: OutgoingMessage,
  ): Promise<void> {
    const { clock } = this.#options;
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...known,
      posted: { channel, ts, at: clock.now() },
      shown: version,
      ...(message ? { digest: digestOf(message) } : {}),
      message: known.version === version ? undefined : known.message,
    }));
    if (!after?.posted) return;
    for (const waiting of this.#unsent.values())
      if (waiting.thread === record.key && waiting.posted === undefined) this.#enqueue(waiting);
    await this.#tell('posted', after);
  }

  async #shown(key: string, version: number, message: OutgoingMessage): Promise<void> {
    await this.#change(key, (known) => ({
      ...known,
      shown: Math.max(known.shown, version),
      digest: digestOf(message),
      message: known.version === version ? undefined : known.message,
    }));
  }

  async #fail(record: OutboxRecord, code: string): Promise<void> {
    const at = this.#options.clock.now();
    const after = await this.#change(record.key, ({ postingSince: _, ...known }) => ({
      ...known,
      failed: { code, at },
      message: undefined,
    }));
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
    const lane = this.#laneOf(channel);
    const stale = this.#options.clock.now() - STALE_MS;
    for (const key of [...lane.keys]) {
      const record = this.#unsent.get(key);
      if (record && record.posted === undefined && record.createdAt < stale)
        await this.#fail(record, 'expired');
    }
    this.#kick(lane);
    this.#kick(this.#updates);
  }
}

/** The look into the channel failed, not the post. */
class NotLookedUp extends Error {
  constructor(cause: unknown) {
    super('It could not be looked up whether a message was posted', { cause });
  }
}

interface Found {
  ts?: string;
  metadata?: { event_payload?: { outbox_id?: unknown; version?: unknown } };
}

function newLane(method: Lane['method']): Lane {
  return { method, keys: new Set(), busy: false, dirty: false, nextAt: 0, failures: 0 };
}

function outgoing({ text, blocks, fallback }: Message): OutgoingMessage {
  return { text, ...(blocks ? { blocks } : {}), ...(fallback ? { fallback } : {}) };
}

function digestOf({ text, blocks }: OutgoingMessage): string {
  return createHash('sha256')
    .update(JSON.stringify([text, blocks ?? []]))
    .digest('hex')
    .slice(0, 32);
}
