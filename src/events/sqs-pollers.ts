/**
 * The queue, read by one poll after the other as long as that suffices, and by several at once while it is full: a poll
 * brings ten messages at most, and behind thousands of them waits one that matters.
 */
import { SQSClient } from '@aws-sdk/client-sqs';
import { SqsIntake, type SqsIntakeOptions } from './sqs.ts';

/** Polls beside the first one. */
const HELPERS = 5;

export interface SqsPollersOptions extends Omit<SqsIntakeOptions, 'client'> {
  region: string;
  /** Default: a client with the SDK's own credentials and endpoint. */
  client?: SQSClient;
}

export class SqsPollers {
  readonly #options: SqsIntakeOptions;
  /** A client of its own, to be closed. */
  readonly #own: SQSClient | undefined;
  readonly #main: SqsIntake;
  readonly #helpers = new Set<SqsIntake>();
  /** Helpers that end. */
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

  /** What is in the way, for readiness checks. */
  problem(): string | undefined {
    return this.#main.problem();
  }

  /** Polls at the moment. */
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
        // Whatever it is that is in the way, the first one says it.
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
  new SQSClient({
    region,
    // Above the longest poll: a request that takes longer is dead.
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
  });
