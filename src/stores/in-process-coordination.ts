/** Coordination of the parts of one process, as the folder's lock keeps all others out. */

import { elapsed } from '../ground/elapsed.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { Coordination, Lease, WakeNote } from '../ports/coordination.ts';

/** @returns takes it back */
export type After = (ms: number, run: () => void) => () => void;

export interface InProcessOptions {
  clock: Clock;
  /** A listener of wake-ups failed. */
  onError: (error: unknown, context: { topic: string }) => void;
  /** Left out: the system's timers, which keep no process alive. */
  after?: After;
}

type Listener = (note: WakeNote) => void | Promise<void>;

/** What all parts share. Fences start over with each process: those of an earlier one are gone. */
export class InProcessHub {
  readonly options: InProcessOptions;
  readonly held = new Map<string, HeldLease>();
  readonly fences = new Map<string, number>();
  /** Lease → who waits for it, in the order in which they came. */
  readonly waiting = new Map<string, Set<() => void>>();
  readonly listeners = new Map<string, Set<Listener>>();

  constructor(options: InProcessOptions) {
    this.options = options;
  }

  join(): InProcessCoordination {
    return new InProcessCoordination(this);
  }

  get now(): number {
    return elapsed(this.options.clock);
  }

  after(ms: number, run: () => void): () => void {
    if (this.options.after) return this.options.after(ms, run);
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  }

  /** Lets everybody who waits look again. */
  free(name: string): void {
    for (const look of [...(this.waiting.get(name) ?? [])]) look();
  }
}

export class InProcessCoordination implements Coordination {
  readonly #hub: InProcessHub;
  readonly #leases = new Set<HeldLease>();
  readonly #unsubscribes = new Set<() => void>();
  readonly #closed = new AbortController();
  #cutOff = false;

  constructor(hub: InProcessHub) {
    this.#hub = hub;
  }

  async lease(name: string, ttl: number, signal?: AbortSignal): Promise<Lease> {
    for (;;) {
      signal?.throwIfAborted();
      const lease = await this.tryLease(name, ttl);
      if (lease) return lease;
      await this.#change(name, signal);
    }
  }

  async tryLease(name: string, ttl: number): Promise<Lease | undefined> {
    this.#requireOpen();
    const hub = this.#hub;
    const holder = hub.held.get(name);
    if (holder && holder.expiresAt > hub.now) return undefined;
    holder?.end('it was not renewed in time');
    const fence = (hub.fences.get(name) ?? 0) + 1;
    hub.fences.set(name, fence);
    const lease = new HeldLease(hub, name, fence, ttl, {
      reachable: () => !this.#cutOff,
      ended: () => void this.#leases.delete(lease),
    });
    this.#leases.add(lease);
    return lease;
  }

  async wake(topic: string, note: WakeNote): Promise<void> {
    this.#requireOpen();
    const text = JSON.stringify(note);
    for (const listener of this.#hub.listeners.get(topic) ?? [])
      queueMicrotask(() => {
        if (!this.#hub.listeners.get(topic)?.has(listener)) return;
        // Everybody has a copy of their own.
        const heard = async (): Promise<void> => listener(JSON.parse(text) as WakeNote);
        heard().catch((error: unknown) => this.#hub.options.onError(error, { topic }));
      });
  }

  onWake(topic: string, listener: Listener): () => void {
    this.#requireOpen();
    // A function of its own: the same one may listen twice.
    const own: Listener = (note) => (this.#cutOff ? undefined : listener(note));
    const all = this.#hub.listeners.get(topic) ?? new Set();
    this.#hub.listeners.set(topic, all.add(own));
    const end = (): void => {
      all.delete(own);
      this.#unsubscribes.delete(end);
    };
    this.#unsubscribes.add(end);
    return end;
  }

  async close(): Promise<void> {
    this.#closed.abort(unavailable());
    for (const end of this.#unsubscribes) end();
    await Promise.all([...this.#leases].map((lease) => lease.release()));
  }

  /** For tests: as when its connection is gone. It renews nothing, and finds that out by the time that passes. */
  cutOff(): void {
    this.#cutOff = true;
  }

  /** For tests: its connection is back. */
  reconnect(): void {
    this.#cutOff = false;
  }

  #requireOpen(): void {
    if (this.#closed.signal.aborted || this.#cutOff) throw unavailable();
  }

  /** Resolves when the lease may be free. */
  async #change(name: string, signal: AbortSignal | undefined): Promise<void> {
    const hub = this.#hub;
    const line = hub.waiting.get(name) ?? new Set();
    hub.waiting.set(name, line);
    const ends = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])]);
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        line.delete(done);
        clear();
        ends.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        line.delete(done);
        clear();
        reject(toReason(ends.reason));
      };
      line.add(done);
      ends.addEventListener('abort', aborted, { once: true });
      const clear = hub.after(Math.max(1, (hub.held.get(name)?.expiresAt ?? hub.now) - hub.now), done);
    });
  }
}

class HeldLease implements Lease {
  readonly name: string;
  readonly fence: number;
  /** When others may take it. */
  expiresAt: number;
  readonly #hub: InProcessHub;
  readonly #ttl: number;
  readonly #owner: { reachable(): boolean; ended(): void };
  readonly #lost = new AbortController();
  #cancel: () => void = () => {};

  constructor(
    hub: InProcessHub,
    name: string,
    fence: number,
    ttl: number,
    owner: { reachable(): boolean; ended(): void },
  ) {
    this.#hub = hub;
    this.name = name;
    this.fence = fence;
    this.#ttl = ttl;
    this.#owner = owner;
    this.expiresAt = hub.now + ttl;
    hub.held.set(name, this);
    this.#renewLater();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isHeld(): boolean {
    if (this.#hub.held.get(this.name) !== this) this.end('somebody else has it');
    return !this.#lost.signal.aborted;
  }

  async release(): Promise<void> {
    this.end('it was given back');
  }

  end(why: string): void {
    if (this.#lost.signal.aborted) return;
    this.#cancel();
    if (this.#owner.reachable() && this.#hub.held.get(this.name) === this) this.#hub.held.delete(this.name);
    this.#owner.ended();
    this.#lost.abort(new CancelledError(`The lease "${this.name}" has ended: ${why}`));
    if (!this.#hub.held.has(this.name)) this.#hub.free(this.name);
  }

  #renewLater(): void {
    this.#cancel = this.#hub.after(this.#ttl / 3, () => this.#renew());
  }

  /** Late is as good as in time where nobody has taken it: a machine may have slept. */
  #renew(): void {
    const { now, held } = this.#hub;
    if (held.get(this.name) !== this) this.end('somebody else has it');
    else if (this.#owner.reachable()) this.expiresAt = now + this.#ttl;
    else if (now >= this.expiresAt - this.#ttl / 3) this.end('it could not be renewed');
    if (!this.#lost.signal.aborted) this.#renewLater();
  }
}

const unavailable = (): AppError =>
  new AppError('unavailable', 'The coordination of instances is closed: Signalbox is stopping.');

const toReason = (reason: unknown): Error => (reason instanceof Error ? reason : toAppError(reason));
