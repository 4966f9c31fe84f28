/**
 * One transaction on a connection. What is sent does not wait for the answer to what was sent before: a journey to the
 * database takes longer than what it does there. So a change that nothing depends on goes with the commit, and what has
 * failed is found out at the end.
 */
import type { Connection, Row } from './connections.ts';
import type { Mark } from './marks.ts';

export class Transaction {
  readonly #connection: Connection;
  readonly #mark: Mark | undefined;
  /** The answers to all that was sent, in that order. */
  readonly #sent: Promise<unknown>[] = [];
  #wrote = false;

  /** @param mark left out: nobody asks later whether it was committed */
  constructor(connection: Connection, mark?: Mark) {
    this.#connection = connection;
    this.#mark = mark;
  }

  /** Whether there is anything to commit. */
  get wrote(): boolean {
    return this.#wrote;
  }

  read<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.sent(this.#connection.run<R>(text, values));
  }

  /** For a change whose answer is needed before the transaction ends. */
  write<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.sent(this.#change<R>(text, values));
  }

  /**
   * For a change whose answer nobody needs. If it fails, so does the transaction.
   * @param failure what its failure means
   */
  put(text: string, values: readonly unknown[], failure = (error: unknown): unknown => error): void {
    void this.sent(
      this.#change(text, values).catch((error: unknown) => {
        throw failure(error);
      }),
    );
  }

  #change<R extends Row>(text: string, values: readonly unknown[]): Promise<R[]> {
    if (!this.#wrote && this.#mark)
      void this.sent(this.#connection.run(MARK, [this.#mark.slot, this.#mark.number]));
    this.#wrote = true;
    return this.#connection.run<R>(text, values);
  }

  /** Counts in an answer to what was sent by other means. */
  sent<T>(answer: Promise<T>): Promise<T> {
    // Whoever waits for it learns of its failure, and in any case whoever asks for the first one.
    answer.catch(() => {});
    this.#sent.push(answer);
    return answer;
  }

  /**
   * Waits for all answers.
   * @returns the first failure: what came after it was refused for no other reason
   */
  async firstFailure(): Promise<{ error: unknown } | undefined> {
    const answers = await Promise.allSettled(this.#sent);
    const failed = answers.find(({ status }) => status === 'rejected');
    return failed && { error: (failed as PromiseRejectedResult).reason };
  }
}

const MARK =
  'insert into marks (slot, number) values ($1, $2) on conflict (slot) do update set number = excluded.number, at = now()';
