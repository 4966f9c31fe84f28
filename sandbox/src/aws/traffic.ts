/** The requests that reach the AWS side: counted, and held to the quotas. */
import { QuotaBuckets, type Quotas } from './quotas.ts';

export interface AwsSandboxStats {
  /** By operation. */
  requests: Record<string, number>;
  throttled: Record<string, number>;
  /** Pages of log events without one. */
  emptyPages: number;
  events: number;
  /** Of response bodies. */
  bytes: number;
  maxInFlight: number;
}

export class Traffic {
  readonly #buckets: QuotaBuckets;
  #stats = emptyStats();
  #inFlight = 0;

  constructor(quotas: Quotas) {
    this.#buckets = new QuotaBuckets(quotas);
  }

  /** A request has arrived. @returns to be called when its answer has left */
  begin(): () => void {
    this.#inFlight++;
    this.#stats.maxInFlight = Math.max(this.#stats.maxInFlight, this.#inFlight);
    return () => {
      this.#inFlight--;
    };
  }

  /** @returns false: there are too many, and the request is to be refused */
  admit(operation: string, account: string, region: string): boolean {
    const { requests, throttled } = this.#stats;
    requests[operation] = (requests[operation] ?? 0) + 1;
    if (this.#buckets.take(account, region, operation, performance.now())) return true;
    throttled[operation] = (throttled[operation] ?? 0) + 1;
    return false;
  }

  sent(bytes: number): void {
    this.#stats.bytes += bytes;
  }

  /** A page of log events is sent. */
  page(events: number): void {
    this.#stats.events += events;
    if (events === 0) this.#stats.emptyPages++;
  }

  stats(): AwsSandboxStats {
    return structuredClone(this.#stats);
  }

  /** All counts begin again, and all buckets are full. */
  reset(): void {
    this.#stats = emptyStats();
    this.#buckets.refill();
  }

  /** From now on; all buckets are full. */
  limit(quotas: Quotas): void {
    this.#buckets.quotas = quotas;
    this.#buckets.refill();
  }
}

const emptyStats = (): AwsSandboxStats => ({
  requests: {},
  throttled: {},
  emptyPages: 0,
  events: 0,
  bytes: 0,
  maxInFlight: 0,
});
