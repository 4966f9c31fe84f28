/**
 * The queue, read by one poll after the other as long as that suffices, and by several at once while it is full: a poll
 * brings ten messages at most, and behind thousands of them waits one that matters.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { SqsIntake, type SqsIntakeOptions, sqsClient } from './sqs.ts';

/** Polls beside the first one. */
const HELPERS = 5;

export class SqsPollers {
  readonly #options: SqsIntakeOptions;
  /** Of its own, to be closed. */
  readonly #client: SQSClient | undefined;
  readonly #main: SqsIntake;
  readonly #helpers = new Set<SqsIntake>();
  /** Helpers that end. */
  readonly #ending = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: SqsIntakeOptions) {
    this.#client = options.client ? undefined : sqsClient(options.region);
    this.#options = { ...options, ...(this.#client ? { client: this.#client } : {}) };
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
    this.#client?.destroy();
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
