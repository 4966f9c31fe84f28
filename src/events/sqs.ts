/**
 * Events from the queue: long polls, batches of ten. A message leaves the queue only after its event is stored, and stays
 * hidden from others however long that takes. After SQS errors it waits longer each time. While nothing can be stored it
 * does not ask, because every receive counts towards the dead-letter queue.
 */
import { ChangeMessageVisibilityBatchCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { backoff } from '../ground/backoff.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { IngestLog } from './handling.ts';
import type { EventIntake } from './intake.ts';

/** Milliseconds that a batch has to finish at a stop. */
const STOP_WITHIN = 10_000;
/** Seconds for the first poll and after an error, to find out soon whether the queue can be read. */
const SHORT_WAIT = 1;

/** The most that SQS returns at once. */
const BATCH = 10;

/** What can fail; each problem lasts until the same thing works again. */
type Step = 'read' | 'store' | 'change';
const WORDS: Readonly<Record<Exclude<Step, 'store'>, string>> = {
  read: 'the queue cannot be read',
  change: 'what is stored cannot be deleted from the queue, and comes again',
};

export interface SqsIntakeOptions {
  queueUrl: string;
  intake: EventIntake;
  log: IngestLog;
  /** Not closed here, since others may use it too. */
  client: SQSClient;
  /** Seconds that SQS waits for a message; default 20, its longest. */
  waitSeconds?: number;
  /** Seconds for which a received message is hidden; extended at half of it while it is being stored. Default 60. */
  visibilitySeconds?: number;
  /** Called when a poll was full, so that there may be more. */
  onFull?: () => void;
  /** Called when a poll was empty, or the queue could not be read. */
  onEmpty?: () => void;
  /** Milliseconds to wait after an error; doubles up to the second value. Default 1,000 and 60,000. */
  backoff?: readonly [first: number, most: number];
}

export class SqsIntake {
  readonly #options: SqsIntakeOptions;
  readonly #consumer: Consumer;
  readonly #stopping = new AbortController();
  /** Failures in a row. */
  readonly #failures: Record<Step, number> = { read: 0, store: 0, change: 0 };
  readonly #problems = new Map<Step, string>();
  /** Batches that are being stored or deleted. */
  #underway = 0;
  #onIdle: (() => void) | undefined;
  readonly counts = { received: 0, left: 0 };

  constructor(options: SqsIntakeOptions) {
    this.#options = options;
    // A second is the shortest interval possible, and the renewal must come before the end.
    const visibilityTimeout = Math.max(2, options.visibilitySeconds ?? 60);
    this.#consumer = Consumer.create({
      queueUrl: options.queueUrl,
      sqs: options.client,
      batchSize: BATCH,
      waitTimeSeconds: SHORT_WAIT,
      visibilityTimeout,
      heartbeatInterval: Math.max(1, Math.floor(visibilityTimeout / 2)),
      // Every error is followed by a pause below, this kind too.
      authenticationErrorTimeout: 0,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      suppressFifoWarning: true,
      preReceiveMessageCallback: () => this.#breathe(),
      postReceiveMessageCallback: async () => {
        this.#worked('read');
        this.#consumer.updateOption('waitTimeSeconds', options.waitSeconds ?? 20);
      },
      handleMessageBatch: (messages) => this.#handle(messages),
    });
    this.#problems.set('read', 'the queue has not answered yet');
    // Messages could not be deleted, or not kept hidden.
    this.#consumer.on('error', (error, messages) => this.#failed(messages ? 'change' : 'read', error));
    this.#consumer.on('message_processed', () => this.#worked('change'));
    this.#consumer.on('response_processed', () => this.#settled());
    this.#consumer.on('empty', () => options.onEmpty?.());
  }

  start(): void {
    this.#consumer.start();
  }

  /** The current problem, for readiness checks. */
  problem(): string | undefined {
    const blocked = this.#options.intake.problem();
    if (blocked !== undefined)
      return `nothing is taken from the queue, since it could not be stored: ${blocked}`;
    const [problem] = this.#problems.values();
    return problem;
  }

  /** Receives no more; what was received is stored and deleted. Messages that are too late for that will come again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#underway > 0)
      await new Promise<void>((resolve) => {
        // Does not wait for ever: the messages will come again.
        const timer = setTimeout(resolve, STOP_WITHIN);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    // Cuts off the long poll: a message on its way becomes visible again later.
    this.#consumer.stop({ abort: true });
  }

  async #handle(messages: Message[]): Promise<Message[]> {
    this.#underway += 1;
    this.counts.received += messages.length;
    if (messages.length === BATCH) this.#options.onFull?.();
    nameApart(messages);
    const stored = await Promise.all(messages.map((message) => this.#receive(message)));
    const done = messages.filter((_, index) => stored[index]);
    const left = messages.filter((_, index) => !stored[index]);
    if (left.length === 0) this.#worked('store');
    else {
      this.counts.left += left.length;
      this.#failures.store += 1;
      await this.#giveBack(left);
    }
    return done;
  }

  /** Makes them visible to everybody at once, instead of when their time is over. */
  async #giveBack(messages: readonly Message[]): Promise<void> {
    const Entries = messages.map(({ MessageId, ReceiptHandle }) => ({
      Id: MessageId,
      ReceiptHandle,
      VisibilityTimeout: 0,
    }));
    try {
      await this.#options.client.send(
        new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#options.queueUrl, Entries }),
      );
    } catch (error) {
      this.#options.log.debug({ err: error }, 'messages that were not stored stay hidden for their time');
    }
  }

  /** @returns whether the message may be deleted */
  async #receive(message: Message): Promise<boolean> {
    try {
      await this.#options.intake.receive(message.Body ?? '', 'sqs');
      return true;
    } catch (error) {
      const { ref } = toAppError(error);
      this.#options.log.error(
        {
          err: error,
          ref,
          message: message.MessageId,
          receives: message.Attributes?.ApproximateReceiveCount,
        },
        'an event stays in the queue',
      );
      return false;
    }
  }

  #settled(): void {
    this.#underway = 0;
    this.#onIdle?.();
  }

  #worked(step: Step): void {
    this.#failures[step] = 0;
    this.#problems.delete(step);
  }

  #failed(step: Exclude<Step, 'store'>, error: Error): void {
    if (this.#stopping.signal.aborted) {
      this.#settled();
      return;
    }
    this.#failures[step] += 1;
    if (step === 'read') this.#consumer.updateOption('waitTimeSeconds', SHORT_WAIT);
    if (step === 'read') this.#options.onEmpty?.();
    const { ref } = toAppError(error);
    // Anybody may ask for readiness, so AWS's words, which name accounts and roles, only go to the log.
    this.#problems.set(step, `${WORDS[step]}: ${kindOf(error)} (reference ${ref})`);
    this.#options.log.warn({ err: error, ref, failures: this.#failures[step] }, WORDS[step]);
  }

  /** Before each poll: pauses after errors, so as not to flood SQS, and while nothing can be stored. */
  async #breathe(): Promise<void> {
    const { signal } = this.#stopping;
    const waits = this.#options.backoff ?? [1_000, 60_000];
    const failures = Math.max(...Object.values(this.#failures));
    try {
      if (failures > 0) await pause(backoff(waits, failures), signal);
      while (this.#options.intake.problem() !== undefined) await pause(waits[0], signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) throw new AppError('unavailable', 'The intake is stopping.');
  }
}

/**
 * SQS may return one message twice in an answer, with different receipts, but refuses batches of deletions or visibility
 * changes with duplicate ids. The consumer builds these from the messages it received, so the messages get distinct ids.
 */
function nameApart(messages: Message[]): void {
  const names = new Set<string | undefined>();
  for (const [index, message] of messages.entries()) {
    if (names.has(message.MessageId)) message.MessageId = `${message.MessageId}-${index}`;
    names.add(message.MessageId);
  }
}

/** `AccessDenied`, `ECONNREFUSED`, `TimeoutError`: what went wrong, without the service's words. */
function kindOf({ cause, name }: Error): string {
  const { code, name: kind } = (cause ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof kind === 'string' ? kind : name;
}
