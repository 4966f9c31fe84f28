/** What an endpoint is, judged by how fast it begins to answer. */
import { isLoopback } from '../ground/hosts.ts';

/** A loopback endpoint that begins to answer faster than this is an emulator, which AWS's quotas do not apply to. */
const EMULATOR_WITHIN_MS = 25;
/**
 * One that answers faster than this is near. The fastest of the last answers says it: the others may have waited for this
 * process, which works on a page for some milliseconds.
 */
const NEAR_WITHIN_MS = 8;
const KEPT = 8;

export class AnsweringTimes {
  readonly #waits: number[] = [];
  #isEmulator = false;

  /** @param waitedMs from a request on an open connection to the first byte of its answer */
  add(host: string, waitedMs: number): void {
    this.#waits.push(waitedMs);
    if (this.#waits.length > KEPT) this.#waits.shift();
    if (waitedMs < EMULATOR_WITHIN_MS && isLoopback(host)) this.#isEmulator = true;
  }

  /** Once it has looked like one. */
  get isEmulator(): boolean {
    return this.#isEmulator;
  }

  /** An emulator that answers at once, for the time being. */
  get isNear(): boolean {
    return this.#isEmulator && Math.min(...this.#waits) <= NEAR_WITHIN_MS;
  }
}
