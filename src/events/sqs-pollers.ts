/**
 * Reads the queue with one poll at a time, or with several at once while it is full: a poll brings ten messages at most,
 * and one that matters may wait behind thousands.
 */
import { SQSClient } from '@aws-sdk/client-sqs';
import { watchedClient } from '../ground/aws-calls.ts';
import { SqsIntake, type SqsIntakeOptions } from './sqs.ts';

/** Additional polls at once. */
const HELPERS = 5;

export interface SqsPollersOptions extends Omit<SqsIntakeOptions, 'client'> {
  region: string;
  /** Default: a client with the SDK's own credentials and endpoint. */
  client?: SQSClient;
}

export class SqsPollers {
  readonly #options: SqsIntakeOptions;
  /** Our own client, to be closed. */
  readonly #own: SQSClient | undefined;
  readonly #main: SqsIntake;
  readonly #helpers = new Set<SqsIntake>();
  /** Additional polls that are ending. */
  readonly #ending = new Set<Promise<void>>();
  #stopped = false;

  constructor({ region, client, ...options }: SqsPollersOptions) {
    const used = client ?? sqsClient(region);
    this.#own = client ? undefined : used;
    this.#options = { ...options, client: used };
    this.#main = new SqsIntake({ ...this.#options, onFull: () => this.#help() });
  }

  start(): void {
    this.#main.start();
  }

  /** The current problem, for readiness checks. */
  problem(): string | undefined {
    return this.#main.problem();
  }

  /** Polls at once right now. */
  get polls(): number {
    return 1 + this.#helpers.size;
  }

  /** As `SqsIntake.stop`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const helper of this.#helpers) this.#end(helper);
    await Promise.all([this.#main.stop(), ...this.#ending]);
    this.#own?.destroy();
  }

  #help(): void {
    if (this.#stopped || this.#helpers.size > 0 || this.#main.problem() !== undefined) return;
    for (let nth = 0; nth < HELPERS; nth += 1) {
      const helper: SqsIntake = new SqsIntake({
        ...this.#options,
        waitSeconds: 1,
        // Any problem affects the first one too.
        onEmpty: () => this.#end(helper),
      });
      this.#helpers.add(helper);
      helper.start();
    }
  }

  #end(helper: SqsIntake): void {
    if (!this.#helpers.delete(helper)) return;
    const ended = helper.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

const sqsClient = (region: string): SQSClient =>
  watchedClient(
    new SQSClient({
      region,
      // Above the longest poll: a request that takes longer is dead.
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
    }),
  );
