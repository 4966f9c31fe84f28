/** What the run prints from now on, over server-sent events; after a break it continues at the right byte. */
import { fromBase64, type Gap, Refused, type RunApi, type RunEnd, readEnd } from './run-api.ts';

export interface LiveListener {
  /** @param next offset of the byte after these */
  log(bytes: Uint8Array, next: number, gap: Gap | undefined): void;
  connected(): void;
  /** What keeps the run from being read further; undefined: nothing any more. */
  note(text: string | undefined): void;
  /** It is tried again in so many milliseconds. */
  interrupted(retryIn: number): void;
  done(end: RunEnd, size: number): void;
  /** It is not tried again. */
  refused(error: Refused): void;
}

/** What is used of an EventSource. */
export interface EventStream {
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void): void;
  close(): void;
}

export interface LiveOptions {
  api: Pick<RunApi, 'read' | 'streamUrl'>;
  listener: LiveListener;
  open(url: string): EventStream;
  /** @returns takes it back */
  after?: (ms: number, run: () => void) => () => void;
}

/** Milliseconds of silence after which the connection counts as dead; a heartbeat comes every 15 s. */
const SILENCE = 40_000;
const RETRY_FIRST = 500;
const RETRY_MOST = 10_000;

type State = 'stopped' | 'open' | 'waiting' | 'asking';

export class Live {
  readonly #options: LiveOptions;
  readonly #after: NonNullable<LiveOptions['after']>;
  #stream: EventStream | undefined;
  #state: State = 'stopped';
  #next = 0;
  #retry = RETRY_FIRST;
  #cancelTimer = (): void => {};

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#after = options.after ?? later;
  }

  /** Offset of the next byte. */
  get next(): number {
    return this.#next;
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** @param offset of the first byte that is wanted */
  start(offset: number): void {
    this.stop();
    this.#next = offset;
    this.#state = 'open';
    const stream = this.#options.open(this.#options.api.streamUrl(offset));
    this.#stream = stream;
    const { listener } = this.#options;
    const on = (type: string, run: (event: { data: string; lastEventId: string }) => void): void =>
      stream.addEventListener(type, (event) => {
        // Events that were under way when it was closed may still arrive.
        if (this.#stream === stream) run(event);
      });
    this.#expect();
    stream.onopen = () => {
      if (this.#stream !== stream) return;
      this.#retry = RETRY_FIRST;
      listener.connected();
    };
    on('log', ({ data, lastEventId }) => {
      const { chunk, gap } = JSON.parse(data) as { chunk: string; gap?: Gap };
      this.#next = Number(lastEventId);
      this.#expect();
      listener.log(fromBase64(chunk), this.#next, gap);
    });
    on('note', ({ data }) => {
      this.#expect();
      listener.note((JSON.parse(data) as { note: string | null }).note ?? undefined);
    });
    on('heartbeat', () => this.#expect());
    on('done', ({ data }) => {
      const end = JSON.parse(data) as Parameters<typeof readEnd>[0] & { final_size: number };
      this.stop();
      listener.done(readEnd(end), end.final_size);
    });
    on('denied', ({ data }) => {
      const { error, message, hint } = JSON.parse(data) as { error: string; message: string; hint?: string };
      this.stop();
      listener.refused(new Refused(error === 'not_found' ? 404 : 403, message, { hint }));
    });
    // The browser's own attempts cannot tell a refusal from a broken connection, so this asks instead.
    stream.onerror = () => {
      if (this.#stream === stream) this.#again();
    };
  }

  stop(): void {
    this.#state = 'stopped';
    this.#stream?.close();
    this.#stream = undefined;
    this.#cancelTimer();
  }

  /** Back from sleep, or online again: no need to wait out the pause. */
  hurry(): void {
    if (this.#state !== 'waiting') return;
    this.#cancelTimer();
    void this.#ask();
  }

  #expect(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#after(SILENCE, () => this.#again());
  }

  #again(): void {
    this.stop();
    this.#state = 'waiting';
    const wait = this.#retry;
    this.#retry = Math.min(RETRY_MOST, wait * 2);
    this.#options.listener.interrupted(wait);
    this.#cancelTimer = this.#after(wait, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    this.#state = 'asking';
    try {
      await this.#options.api.read(this.#next, 0);
      if (this.#state === 'asking') this.start(this.#next);
    } catch (error) {
      if (this.#state !== 'asking') return;
      if (error instanceof Refused && !error.isPassing) {
        this.stop();
        this.#options.listener.refused(error);
      } else this.#again();
    }
  }
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
