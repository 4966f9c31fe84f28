/** A lease in the database, as its holder sees it: renewed while that works, and given up in time when it does not. */
import { CancelledError } from '../../ground/errors.ts';
import type { Lease } from '../../ports/coordination.ts';
import { column } from './records.ts';

export interface HeldLeaseOptions {
  name: string;
  fence: number;
  ttl: number;
  /** In the lease's row, while it is this one's. */
  holder: string;
  /** When it was asked for: by then at the earliest its time began. On `now`. */
  asked: number;
  /** Milliseconds that only rise. */
  now(): number;
  after(ms: number, run: () => void): () => void;
  run(text: string, values: readonly unknown[]): Promise<unknown[]>;
  ended(): void;
}

export class HeldLease implements Lease {
  readonly name: string;
  readonly fence: number;
  readonly #options: HeldLeaseOptions;
  readonly #lost = new AbortController();
  /** A third of its ttl before anybody else can take it. */
  #until: number;
  #cancelRenewal: () => void = () => {};
  #cancelEnd: () => void = () => {};

  constructor(options: HeldLeaseOptions) {
    this.#options = options;
    this.name = options.name;
    this.fence = options.fence;
    this.#until = this.#goodUntil(options.asked);
    this.#renewIn(options.ttl / 3);
    this.#endInTime();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isHeld(): boolean {
    if (this.#options.now() >= this.#until) this.#end('it could not be renewed');
    return !this.#lost.signal.aborted;
  }

  async release(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.#end('it was given back');
    await this.#giveBack();
  }

  /** Whoever waits for it is told. Unreachable, it ends by itself. */
  async #giveBack(): Promise<void> {
    await this.#options
      .run(
        `with gone as (
           update leases set expires_at = '-infinity' where name = $1 and holder = $2 returning name
         ) select pg_notify('signalbox_leases', name) from gone`,
        [column(this.name), this.#options.holder],
      )
      .catch(() => {});
  }

  #goodUntil(asked: number): number {
    return asked + (this.#options.ttl * 2) / 3;
  }

  #renewIn(ms: number): void {
    this.#cancelRenewal = this.#options.after(ms, () => void this.#renew());
  }

  /** Whatever a renewal waits for. */
  #endInTime(): void {
    this.#cancelEnd();
    const left = this.#until - this.#options.now();
    this.#cancelEnd = this.#options.after(Math.max(0, left), () => {
      if (this.#options.now() >= this.#until) this.#end('it could not be renewed');
      else this.#endInTime();
    });
  }

  async #renew(): Promise<void> {
    const { ttl, holder, now, run } = this.#options;
    const asked = now();
    // The process slept through it.
    if (asked >= this.#until) this.#end('it could not be renewed');
    if (this.#lost.signal.aborted) return;
    try {
      const renewed = await run(
        `update leases set expires_at = database_time() + $3 * interval '1 millisecond'
         where name = $1 and holder = $2 returning fence`,
        [column(this.name), holder, ttl],
      );
      if (renewed.length === 0) this.#end('somebody else has it');
      // Too late, and nobody holds it now.
      else if (this.#lost.signal.aborted) await this.#giveBack();
      else {
        this.#until = this.#goodUntil(asked);
        this.#endInTime();
        this.#renewIn(ttl / 3);
      }
    } catch {
      if (!this.#lost.signal.aborted) this.#renewIn(Math.min(1_000, ttl / 10));
    }
  }

  #end(why: string): void {
    if (this.#lost.signal.aborted) return;
    this.#cancelRenewal();
    this.#cancelEnd();
    this.#options.ended();
    this.#lost.abort(new CancelledError(`The lease "${this.name}" has ended: ${why}`));
  }
}
