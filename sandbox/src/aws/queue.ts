/**
 * One standard queue: messages that are visible, delayed or in flight. Visibility is worked out from the
 * clock whenever the queue is asked; only a long poll that waits needs a timer.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Random } from '../random.ts';
import type { Clock, EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { MinHeap } from './min-heap.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

export interface QueueSettings {
  /** Share of the deliveries (0 to 1) whose message is delivered once more, whether it is deleted or not. */
  sqsDuplicates: number;
  /** The next message is any of so many oldest ones; 1: in order, which standard queues do not promise. */
  sqsShuffle: number;
}

export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
  /** Base64, as it travels. */
  BinaryValue?: string;
}

export interface NewMessage {
  body: string;
  attributes?: Readonly<Record<string, MessageAttribute>>;
  attributesMd5?: string;
  traceHeader?: string;
  /** Who sent it, as `SenderId` says it. */
  sender: string;
  /** Seconds; left out: the queue's own. */
  delaySeconds?: number | undefined;
}

export interface Message extends NewMessage {
  id: string;
  md5: string;
  sentAt: EpochMs;
  firstReceivedAt?: EpochMs;
  receives: number;
  /** The queue it was given up in. */
  deadLetterSource?: string;
}

interface Entry {
  message: Message;
  /** Names the entry in receipt handles: two copies of one message are two entries. */
  number: number;
  /** `ready`: in the line; `later`: visible again, or for the first time, at `visibleAt`. */
  state: 'ready' | 'later' | 'gone';
  visibleAt: EpochMs;
  /** Of the entry's receipt handles only the newest one counts. */
  receipt: number;
  inFlight: boolean;
}

export interface Delivery {
  message: Message;
  receiptHandle: string;
}

interface Waiter {
  max: number;
  visibilitySeconds: number;
  resolve(deliveries: Delivery[]): void;
  cancel: Cancel;
}

export interface ReceiveRequest {
  max: number;
  visibilitySeconds: number;
  waitSeconds: number;
  /** The client went away: what it waits for goes to others. */
  signal?: AbortSignal | undefined;
}

export interface QueueTimes {
  delaySeconds: number;
  retentionSeconds: number;
}

export interface Redrive {
  maxReceiveCount: number;
  /** Undefined: the dead-letter queue is gone; the message stays. */
  queue(): Queue | undefined;
}

export class Queue {
  readonly arn: string;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #settings: QueueSettings;
  readonly #random: Random;
  readonly #times: () => QueueTimes;
  readonly #redrive: () => Redrive | undefined;
  readonly #id = randomUUID();
  readonly #entries = new Map<number, Entry>();
  #ready: Entry[] = [];
  #head = 0;
  readonly #later = new MinHeap<{ at: EpochMs; entry: Entry }>(({ at }) => at);
  #waiters: Waiter[] = [];
  #serving = false;
  #alarm: Cancel | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #next = 1;

  constructor(
    arn: string,
    parts: { clock: Clock; scheduler: Scheduler; settings: QueueSettings; random: Random },
    times: () => QueueTimes,
    redrive: () => Redrive | undefined,
  ) {
    this.arn = arn;
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#settings = parts.settings;
    this.#random = parts.random;
    this.#times = times;
    this.#redrive = redrive;
  }

  send(given: NewMessage): Message {
    const now = this.#clock.now();
    const message: Message = {
      ...given,
      id: randomUUID(),
      md5: createHash('md5').update(given.body).digest('hex'),
      sentAt: now,
      receives: 0,
    };
    this.#add(message, now + (given.delaySeconds ?? this.#times().delaySeconds) * 1000, now);
    return message;
  }

  /** Comes empty after `waitSeconds` without a message. */
  receive(request: ReceiveRequest): Promise<Delivery[]> {
    const { max, visibilitySeconds, waitSeconds, signal } = request;
    const found = this.#take(max, visibilitySeconds);
    if (found.length > 0 || waitSeconds === 0 || signal?.aborted) return Promise.resolve(found);
    return new Promise((resolve) => {
      const end = (deliveries: Delivery[]) => {
        waiter.cancel();
        signal?.removeEventListener('abort', giveUp);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(deliveries);
      };
      const giveUp = () => end([]);
      const waiter: Waiter = {
        max,
        visibilitySeconds,
        resolve: end,
        cancel: this.#scheduler.after(waitSeconds * 1000, giveUp),
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiters.push(waiter);
      this.#setAlarm();
    });
  }

  /** A handle that a later receive has replaced deletes nothing, and says so to nobody. @throws AwsError */
  delete(receiptHandle: string): void {
    const { entry, receipt } = this.#entryOf(receiptHandle);
    if (entry === undefined || entry.receipt !== receipt) return;
    this.#remove(entry);
  }

  /** @throws AwsError ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue for a message that is gone */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const now = this.#clock.now();
    const { entry, receipt } = this.#entryOf(receiptHandle);
    this.#wake(now);
    if (entry === undefined || entry.receipt !== receipt) {
      throw new AwsError(
        'InvalidParameterValue',
        `Value ${receiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      );
    }
    if (!entry.inFlight) {
      throw new AwsError('MessageNotInflight', 'The specified message is not in flight.');
    }
    entry.visibleAt = now + seconds * 1000;
    this.#later.push({ at: entry.visibleAt, entry });
    if (seconds === 0) this.#serveSoon();
    else this.#setAlarm();
  }

  purge(): void {
    for (const entry of this.#entries.values()) entry.state = 'gone';
    this.#entries.clear();
    this.#ready = [];
    this.#head = 0;
    this.#later.clear();
  }

  /** Ends the polls that wait. */
  close(): void {
    for (const waiter of [...this.#waiters]) waiter.resolve([]);
    this.#alarm?.();
  }

  counts(): { visible: number; inFlight: number; delayed: number } {
    this.#wake(this.#clock.now());
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const { state, inFlight } of this.#entries.values()) {
      counts[state === 'ready' ? 'visible' : inFlight ? 'inFlight' : 'delayed']++;
    }
    return counts;
  }

  /** A message that was given up elsewhere: it keeps its id, its age and its count. */
  adopt(message: Message, source: string): void {
    const now = this.#clock.now();
    this.#add({ ...message, deadLetterSource: source }, now, now);
  }

  #add(message: Message, visibleAt: EpochMs, now: EpochMs): void {
    const entry: Entry = {
      message,
      number: this.#next++,
      state: visibleAt > now ? 'later' : 'ready',
      visibleAt,
      receipt: 0,
      inFlight: false,
    };
    this.#entries.set(entry.number, entry);
    if (entry.state === 'ready') {
      this.#ready.push(entry);
      this.#serveSoon();
    } else {
      this.#later.push({ at: visibleAt, entry });
      this.#setAlarm();
    }
  }

  #take(max: number, visibilitySeconds: number): Delivery[] {
    const now = this.#clock.now();
    this.#wake(now);
    const oldest = now - this.#times().retentionSeconds * 1000;
    const redrive = this.#redrive();
    const deliveries: Delivery[] = [];
    while (deliveries.length < max) {
      const entry = this.#nextReady();
      if (entry === undefined) break;
      const { message } = entry;
      if (message.sentAt <= oldest) {
        this.#remove(entry);
        continue;
      }
      const graveyard =
        redrive !== undefined && message.receives >= redrive.maxReceiveCount ? redrive.queue() : undefined;
      if (graveyard) {
        this.#remove(entry);
        graveyard.adopt(message, this.arn);
        continue;
      }
      message.receives++;
      message.firstReceivedAt ??= now;
      entry.receipt++;
      entry.inFlight = true;
      entry.state = 'later';
      entry.visibleAt = now + visibilitySeconds * 1000;
      this.#later.push({ at: entry.visibleAt, entry });
      deliveries.push({ message: { ...message }, receiptHandle: this.#handle(entry) });
      if (this.#settings.sqsDuplicates > 0 && this.#random() < this.#settings.sqsDuplicates) {
        this.#add({ ...message }, now, now);
      }
    }
    return deliveries;
  }

  #nextReady(): Entry | undefined {
    while (this.#head < this.#ready.length) {
      const window = Math.min(this.#settings.sqsShuffle, this.#ready.length - this.#head);
      if (window > 1) {
        const chosen = this.#head + Math.floor(this.#random() * window);
        const first = this.#ready[this.#head]!;
        this.#ready[this.#head] = this.#ready[chosen]!;
        this.#ready[chosen] = first;
      }
      const entry = this.#ready[this.#head++]!;
      // Shifting an array of thousands for each message would cost more than all the rest.
      if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
        this.#ready = this.#ready.slice(this.#head);
        this.#head = 0;
      }
      if (entry.state === 'ready') return entry;
    }
    return undefined;
  }

  /** Puts what has become visible by now into the line. */
  #wake(now: EpochMs): void {
    for (let top = this.#later.peek(); top !== undefined && top.at <= now; top = this.#later.peek()) {
      this.#later.pop();
      const { entry, at } = top;
      if (entry.state !== 'later' || entry.visibleAt !== at) continue;
      entry.state = 'ready';
      entry.inFlight = false;
      this.#ready.push(entry);
    }
  }

  #remove(entry: Entry): void {
    entry.state = 'gone';
    this.#entries.delete(entry.number);
  }

  /** Not at once: what one batch sends then goes out together. */
  #serveSoon(): void {
    if (this.#serving || this.#waiters.length === 0) return;
    this.#serving = true;
    queueMicrotask(() => {
      this.#serving = false;
      for (const waiter of [...this.#waiters]) {
        const deliveries = this.#take(waiter.max, waiter.visibilitySeconds);
        if (deliveries.length === 0) break;
        waiter.resolve(deliveries);
      }
      this.#setAlarm();
    });
  }

  /** Somebody waits, and the next message becomes visible by itself. */
  #setAlarm(): void {
    const at = this.#later.peek()?.at;
    if (this.#waiters.length === 0 || at === undefined || at === this.#alarmAt) return;
    this.#alarm?.();
    this.#alarmAt = at;
    this.#alarm = this.#scheduler.after(Math.max(1, at - this.#clock.now()), () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#serveSoon();
    });
  }

  #handle({ number, receipt }: Entry): string {
    const inside = `${this.#id} ${number} ${receipt} ${Math.floor(this.#random() * 1e9)}`;
    return `AQEB${Buffer.from(inside).toString('base64')}`;
  }

  #entryOf(receiptHandle: string): { entry: Entry | undefined; receipt: number } {
    const inside = receiptHandle.startsWith('AQEB')
      ? Buffer.from(receiptHandle.slice(4), 'base64').toString().split(' ')
      : [];
    if (inside.length !== 4 || inside[0] !== this.#id) {
      throw new AwsError(
        'ReceiptHandleIsInvalid',
        `The input receipt handle "${receiptHandle}" is not a valid receipt handle.`,
      );
    }
    return { entry: this.#entries.get(Number(inside[1])), receipt: Number(inside[2]) };
  }
}
