/**
 * Sends a run's log to Signalbox while it is kept in a store here, which is the buffer: nothing waits in memory, a network
 * that goes away costs nothing but time, and it goes on at the byte that the other side says.
 */
import { PUSH_HEARTBEAT } from '../domain/pushed-runs.ts';
import type { RunEnd } from '../domain/runs.ts';
import { backoff, jittered, type Waits } from '../ground/backoff.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { PushConnection, type PushTarget } from './push-connection.ts';

export interface PushOptions extends PushTarget {
  /** Here: read, and watched while it grows. */
  logs: Pick<RunLogStore, 'info' | 'read' | 'watch'>;
  /** Of the log here. */
  id: string;
  /** Sentences for whoever started it. */
  onNote(text: string): void;
  retryAfter?: Waits | undefined;
  /** Milliseconds without output after which it sends a sign of life. */
  heartbeat?: number | undefined;
}

export type PushOutcome =
  | { kind: 'sent' }
  /** It was told to stop, or the time was over. */
  | { kind: 'unsent'; bytes: number }
  /** It cannot be sent any more. */
  | { kind: 'refused'; error: AppError; bytes: number };

const RETRY_AFTER: Waits = [500, 15_000];
/** Bytes of one request: less than what a server in between usually takes, and less still where the network is slow. */
const LARGEST = 524_288;
const SMALLEST = 16_384;
/** For the first question, before the command is started. */
const BEGIN_WITHIN = 5_000;

export class RunPush {
  readonly #options: PushOptions;
  readonly #connection: PushConnection;
  readonly #stopping = new AbortController();
  readonly #unwatch: () => void;
  /** Wakes who waits for output. */
  #wake: (() => void) | undefined;
  #changed = false;
  /** Bytes that the other side has. */
  #sent = 0;
  #largest = LARGEST;
  #troubled = false;

  /** Nothing is sent before `begin` or `run`. */
  constructor(options: PushOptions) {
    this.#options = options;
    this.#connection = new PushConnection(options);
    this.#unwatch = options.logs.watch(options.id, () => {
      this.#changed = true;
      this.#wake?.();
    });
  }

  /**
   * Asks once whether the run may be sent.
   * @returns false: there is no answer (yet); `run` goes on asking
   * @throws AppError: it is refused for good: a wrong token, a name that is taken
   */
  async begin(): Promise<boolean> {
    try {
      await this.#open(AbortSignal.timeout(BEGIN_WITHIN));
      return true;
    } catch (error) {
      // Later, an address where there is nothing may be a server that is not there yet.
      if (isFinal(error) || toAppError(error).code === 'not_found') throw error;
      return false;
    }
  }

  /** Sends until the log has ended and all of it has arrived, or `stop`. Begun once. Never rejects. */
  async run(): Promise<PushOutcome> {
    let failures = 0;
    try {
      for (;;)
        try {
          const done = await this.#step();
          if (this.#troubled) this.#options.onNote('The log is being sent again.');
          this.#troubled = false;
          failures = 0;
          if (done) return { kind: 'sent' };
        } catch (error) {
          this.#stopping.signal.throwIfAborted();
          if (isFinal(error)) return { kind: 'refused', error: toAppError(error), bytes: await this.#left() };
          failures += 1;
          if (failures === 2) this.#tellTrouble(error);
          await this.#wait(failures, error);
        }
    } catch {
      return { kind: 'unsent', bytes: await this.#left() };
    } finally {
      this.#unwatch();
    }
  }

  /** Bytes that have not arrived. */
  async #left(): Promise<number> {
    const info = await this.#options.logs.info(this.#options.id).catch(() => undefined);
    return Math.max(0, (info?.size ?? 0) - this.#sent);
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  /** One request at most. @returns whether all is done */
  async #step(): Promise<boolean> {
    this.#stopping.signal.throwIfAborted();
    if (!this.#connection.isOpen) {
      await this.#open(this.#stopping.signal);
      return false;
    }
    this.#changed = false;
    const info = await this.#here();
    if (this.#sent > info.size) throw foreignBytes(this.#sent, info.size);
    if (this.#sent < info.size) await this.#sendMore(info);
    else if (info.end) return await this.#finish(info, info.end);
    else if (!(await this.#output()))
      this.#sent = await this.#connection.sayHello(this.#sent, this.#stopping.signal);
    return false;
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { size, ended } = await this.#connection.open(signal);
    this.#sent = size;
    const info = await this.#here();
    if (size > info.size || (ended && size !== info.size)) throw foreignBytes(size, info.size);
  }

  async #sendMore(info: RunLogInfo): Promise<void> {
    const { logs, id } = this.#options;
    const from = this.#sent;
    const { bytes, gap } = await logs.read(id, from, Math.min(this.#largest, info.size - from));
    if (gap) {
      this.#sent = await this.#connection.skip(from, gap.to, this.#stopping.signal);
      return;
    }
    try {
      this.#sent = await this.#connection.send(from, bytes, this.#stopping.signal);
      this.#largest = Math.min(LARGEST, this.#largest * 2);
    } catch (error) {
      if (toAppError(error).code === 'timeout') this.#largest = Math.max(SMALLEST, this.#largest / 4);
      throw error;
    }
  }

  async #finish(info: RunLogInfo, end: RunEnd): Promise<boolean> {
    const size = await this.#connection.finish(end, info.size, this.#stopping.signal);
    this.#sent = size;
    return size === info.size;
  }

  async #here(): Promise<RunLogInfo> {
    const { logs, id } = this.#options;
    const info = await logs.info(id);
    if (!info) throw new AppError('not_found', `The log of ${id} is not there any more.`);
    return info;
  }

  /** @returns false: there was none for so long that a sign of life is due */
  #output(): Promise<boolean> {
    if (this.#changed) return Promise.resolve(true);
    const { heartbeat = PUSH_HEARTBEAT } = this.#options;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), heartbeat);
      const done = (changed: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(changed);
      };
      this.#wake = () => done(true);
    });
  }

  #tellTrouble(error: unknown): void {
    this.#troubled = true;
    this.#options.onNote(
      `The log cannot be sent just now: ${toAppError(error).message} It is kept here, and sent from where it was as soon as that works again.`,
    );
  }

  async #wait(failures: number, error: unknown): Promise<void> {
    const { retryAfter = RETRY_AFTER } = this.#options;
    const { retryAfterMs = 0 } = toAppError(error);
    await pause(Math.max(retryAfterMs, jittered(backoff(retryAfter, failures))), this.#stopping.signal);
  }
}

/** Errors that a second try would not change. */
function isFinal(error: unknown): boolean {
  return ['invalid_input', 'permission_denied', 'conflict'].includes(toAppError(error).code);
}

function foreignBytes(there: number, here: number): AppError {
  return new AppError(
    'conflict',
    `The other side has ${there} bytes of this run, and there are only ${here} here.`,
    {
      hint: 'Another run of this name was sent there: give this one another --name.',
    },
  );
}
