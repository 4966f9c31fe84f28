/**
 * Events from the queue: long polls, batches of ten. A message leaves the queue only after its event is stored;
 * while that takes long it stays hidden from others. SQS's own errors are waited out, longer each time.
 */
import { type Message, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { AppError, toAppError } from '../errors.ts';
import type { IngestLog } from './ingest.ts';
import type { EventIntake } from './intake.ts';

/** Milliseconds that a batch under way has for its end. */
const STOP_WITHIN = 10_000;

export interface SqsIntakeOptions {
  queueUrl: string;
  region: string;
  intake: EventIntake;
  log: IngestLog;
  /** Default: a client with the SDK's own credentials and endpoint. */
  client?: SQSClient;
  /** Seconds that SQS waits for a message; default 20, its longest. */
  waitSeconds?: number;
  /** Seconds for which a received message is hidden; extended at half of it while it is being stored. Default 60. */
  visibilitySeconds?: number;
  /** Milliseconds to wait after an error; doubles up to the second. Default 1,000 and 60,000. */
  backoff?: readonly [first: number, most: number];
}

export class SqsIntake {
  readonly #options: SqsIntakeOptions;
  readonly #client: SQSClient;
  readonly #consumer: Consumer;
  readonly #stopping = new AbortController();
  #failures = 0;
  /** Batches that are being stored or deleted. */
  #underway = 0;
  #onIdle: (() => void) | undefined;
  #problem: string | undefined = 'the queue was not asked yet';
  readonly counts = { received: 0, left: 0 };

  constructor(options: SqsIntakeOptions) {
    this.#options = options;
    this.#client =
      options.client ??
      new SQSClient({
        region: options.region,
        // Above the longest poll: a request that takes longer is dead.
        requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
      });
    // A second is the shortest beat that there is, and it must come before the end.
    const visibilityTimeout = Math.max(2, options.visibilitySeconds ?? 60);
    this.#consumer = Consumer.create({
      queueUrl: options.queueUrl,
      sqs: this.#client,
      batchSize: 10,
      waitTimeSeconds: options.waitSeconds ?? 20,
      visibilityTimeout,
      heartbeatInterval: Math.max(1, Math.floor(visibilityTimeout / 2)),
      // Every error is waited out below, this kind as well.
      authenticationErrorTimeout: 0,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      suppressFifoWarning: true,
      preReceiveMessageCallback: () => this.#breathe(),
      postReceiveMessageCallback: async () => {
        this.#failures = 0;
        this.#problem = undefined;
      },
      handleMessageBatch: (messages) => this.#handle(messages),
    });
    this.#consumer.on('error', (error) => this.#failed(error));
    this.#consumer.on('response_processed', () => this.#settled());
  }

  start(): void {
    this.#consumer.start();
  }

  /** What is in the way, for readiness checks. */
  problem(): string | undefined {
    return this.#problem;
  }

  /** Nothing is received any more; what was received is stored and deleted. What comes too late comes again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#underway > 0)
      await new Promise<void>((resolve) => {
        // What hangs is not waited for without end: its messages come again.
        const timer = setTimeout(resolve, STOP_WITHIN);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    // Cuts the long poll off: a message on its way back becomes visible again after its time.
    this.#consumer.stop({ abort: true });
    if (!this.#options.client) this.#client.destroy();
  }

  async #handle(messages: Message[]): Promise<Message[]> {
    this.#underway += 1;
    this.counts.received += messages.length;
    const stored = await Promise.all(messages.map((message) => this.#receive(message)));
    const done = messages.filter((_, index) => stored[index]);
    if (done.length < messages.length) {
      this.counts.left += messages.length - done.length;
      this.#failures += 1;
    }
    // SQS may give one message twice in an answer, each with a receipt of its own, and takes no batch of deletions
    // whose entries have the same name.
    const names = new Set<string | undefined>();
    return done.map((message, index) => {
      const isTwin = names.has(message.MessageId);
      names.add(message.MessageId);
      return isTwin ? { ...message, MessageId: `${message.MessageId}-${index}` } : message;
    });
  }

  /** @returns whether the message may be deleted */
  async #receive(message: Message): Promise<boolean> {
    try {
      await this.#options.intake.receive(message.Body ?? '', 'sqs');
      return true;
    } catch (error) {
      const { message: words, ref } = toAppError(error);
      this.#problem = `events cannot be stored: ${words}`;
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

  #failed(error: Error): void {
    if (this.#stopping.signal.aborted) {
      this.#settled();
      return;
    }
    this.#failures += 1;
    this.#problem = `the queue cannot be read: ${error.message}`;
    this.#options.log.warn({ err: error, failures: this.#failures }, 'the queue gave an error');
  }

  /** Before each poll: a pause after errors, so that neither SQS nor a full disk is asked without end. */
  async #breathe(): Promise<void> {
    const { signal } = this.#stopping;
    const [first, most] = this.#options.backoff ?? [1_000, 60_000];
    const wait = this.#failures === 0 ? 0 : Math.min(most, first * 2 ** Math.min(20, this.#failures - 1));
    if (wait > 0 && !signal.aborted)
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, wait);
        signal.addEventListener('abort', done, { once: true });
      });
    if (signal.aborted) throw new AppError('unavailable', 'The intake is stopping.');
  }
}
