/**
 * A log service in memory that behaves as badly as the real one may: partial and empty pages, repeated tokens,
 * refusals, broken connections, expiring tokens, events that arrive late, streams whose order is not that of time.
 * Everything is decided by a seeded generator, so that a run can be repeated.
 */
import { AppError } from '../../src/ground/errors.ts';
import type {
  LogLane,
  LogPage,
  LogPageRequest,
  LogSource,
  LogStreamInfo,
  RequestPace,
} from '../../src/ports/log-source.ts';

export interface SimulatedEvent {
  time: number;
  message: string;
}

export interface SimulatedStream {
  name: string;
  /** In the service's order. */
  events: SimulatedEvent[];
  /** Pages come in the order of arrival instead of by time. */
  unordered?: boolean;
}

export interface Behaviour {
  seed: number;
  /** Most events in a page. */
  pageEvents: number;
  /** Chance that a page is cut short. */
  partial: number;
  /** Chance that a place in a stream has empty pages before it, and how many at most. */
  empty: number;
  emptyRun: number;
  throttle: number;
  fail: number;
  /** A token stops being valid after so many requests; 0 never. */
  tokenLife: number;
  /** There is a second lane, and a quota that makes it useful; the quota is lifted after so many requests. */
  secondLane: boolean;
  quotaLasts: number;
  /** The second lane turns out to be forbidden. */
  secondLaneDenied: boolean;
  /** What the listing says about first and last events is off by this, ms. */
  hintError: number;
  lead: boolean;
  /** There is a quota, as a service of many has one. */
  paced?: boolean;
  /** It answers at once and without a quota until so many requests have been made. */
  nearUntil?: number;
  /** It is near for so many requests, then not for as many, and so on; 0: always. */
  nearTurns?: number;
}

/** Full pages, nothing refused. */
export const PERFECT: Behaviour = {
  seed: 1,
  pageEvents: 10,
  partial: 0,
  empty: 0,
  emptyRun: 1,
  throttle: 0,
  fail: 0,
  tokenLife: 0,
  secondLane: false,
  quotaLasts: Number.POSITIVE_INFINITY,
  secondLaneDenied: false,
  hintError: 0,
  lead: true,
};

export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}

interface Placed extends SimulatedEvent {
  order: number;
}

export class SimulatedService implements LogSource {
  readonly id: string;
  readonly secondLane: LogLane | undefined;
  readonly pace: RequestPace | undefined;
  readonly forwardOnly: boolean | undefined;
  readonly #behaviour: Behaviour;
  readonly #random: () => number;
  readonly #streams = new Map<string, { events: Placed[]; unordered: boolean }>();
  readonly #tokens = new Map<string, number>();
  #badLuck = 0;
  requests = 0;
  inFlight = 0;
  /** Pages whose memory has not been given back. */
  unreleased = 0;
  /** Called before each request is answered. */
  onRequest: (() => void) | undefined;

  constructor(streams: readonly SimulatedStream[], behaviour: Behaviour, forwardOnly = false) {
    this.id = `simulated/${behaviour.seed}`;
    this.#behaviour = behaviour;
    this.#random = generator(behaviour.seed);
    this.forwardOnly = forwardOnly || undefined;
    for (const stream of streams) {
      this.#streams.set(stream.name, { events: [], unordered: stream.unordered ?? false });
      for (const event of stream.events) this.arrive(stream.name, event);
    }
    const service = this;
    this.pace =
      behaviour.secondLane || behaviour.paced
        ? {
            turn: async () => undefined,
            handBack: () => undefined,
            get rate() {
              return service.requests < behaviour.quotaLasts ? 25 : Number.POSITIVE_INFINITY;
            },
            slowed: false,
          }
        : undefined;
    this.secondLane = behaviour.secondLane
      ? {
          pace: this.pace,
          readPage: (request, signal) => {
            if (behaviour.secondLaneDenied) throw new AppError('permission_denied', 'Not this lane.');
            if (request.direction === 'backward') throw new Error('The second lane reads forward only');
            return this.readPage(request, signal);
          },
        }
      : undefined;
  }

  get isNear(): boolean {
    const { nearUntil = 0, nearTurns = 0 } = this.#behaviour;
    const isItsTurn = nearTurns === 0 || Math.floor(this.requests / nearTurns) % 2 === 0;
    return this.requests < nearUntil && isItsTurn;
  }

  /** Somebody deletes a stream. */
  remove(stream: string): void {
    this.#streams.delete(stream);
  }

  /** All tokens so far become invalid at once. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** A stream begins with its first event. */
  arrive(stream: string, event: SimulatedEvent): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { events: [], unordered: false });
    const { events, unordered } = this.#streams.get(stream)!;
    const placed = { ...event, order: events.reduce((most, e) => Math.max(most, e.order), -1) + 1 };
    let at = events.length;
    if (!unordered) while (at > 0 && events[at - 1]!.time > placed.time) at--;
    events.splice(at, 0, placed);
  }

  async listStreams(): Promise<LogStreamInfo[]> {
    const { hintError } = this.#behaviour;
    return [...this.#streams].map(([name, { events }]) => {
      const times = events.map((event) => event.time);
      const off = Math.round((this.#random() - 0.5) * 2 * hintError);
      return {
        name,
        shortName: name.split('/').at(-1)!,
        ...(times.length > 0
          ? {
              firstEventAt: Math.max(0, Math.min(...times) + off),
              lastEventAt: Math.max(...times) - Math.abs(off),
            }
          : {}),
      };
    });
  }

  async readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    this.requests++;
    this.inFlight++;
    try {
      // Answers overtake one another.
      for (let n = Math.floor(this.#random() * 4); n > 0; n--)
        await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      this.onRequest?.();
      const { throttle, fail } = this.#behaviour;
      const luck = this.#random();
      if (luck < throttle + fail && ++this.#badLuck < 4) {
        throw luck < throttle
          ? new AppError('rate_limited', 'Too fast.')
          : new AppError('unavailable', 'The connection was cut.');
      }
      this.#badLuck = 0;
      const page = this.#answer(request);
      const { onNext } = request;
      if (onNext && page.nextToken !== request.token && this.#random() < 0.8) {
        onNext(page.nextToken!);
        // The page takes longer than its token.
        if (this.#random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      }
      return page;
    } finally {
      this.inFlight--;
    }
  }

  #answer(request: LogPageRequest): LogPage {
    const { pageEvents, partial, tokenLife } = this.#behaviour;
    const { events: all, unordered } = this.#streams.get(request.stream)!;
    const from = request.from ?? 0;
    const to = request.to ?? Number.POSITIVE_INFINITY;
    const events = all.filter((event) => event.time >= from && event.time < to);
    const forward = request.direction === 'forward';
    const key = (event: Placed): [number, number] =>
      unordered ? [event.order, 0] : [event.time, event.order];
    const isAfter = (a: [number, number], b: [number, number]): boolean =>
      a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

    let place: [number, number] = forward ? [Number.NEGATIVE_INFINITY, 0] : [Number.POSITIVE_INFINITY, 0];
    let empties = 0;
    if (request.token !== undefined) {
      const born = this.#tokens.get(request.token);
      if (born === undefined) throw new AppError('invalid_input', 'The specified nextToken is invalid.');
      if (tokenLife > 0 && this.requests - born > tokenLife) {
        throw new AppError('invalid_input', 'The specified nextToken has expired.');
      }
      const parts = request.token.split('/');
      const direction = parts[0] === 'f';
      if (direction !== forward) throw new AppError('invalid_input', 'The token is of the other direction.');
      place = [Number(parts[1]), Number(parts[2])];
      empties = Number(parts[3]);
    }
    const rest = forward
      ? events.filter((event) => isAfter(key(event), place))
      : events.filter((event) => isAfter(place, key(event)));

    let page: Placed[] = [];
    let nextPlace = place;
    let nextEmpties = 0;
    if (rest.length > 0) {
      const near = forward ? rest[0]! : rest[rest.length - 1]!;
      if (empties < this.#emptiesBefore(near)) nextEmpties = empties + 1;
      else {
        let most = Math.min(pageEvents, request.limit ?? pageEvents);
        if (this.#random() < partial) most = 1 + Math.floor(this.#random() * most);
        page = forward ? rest.slice(0, most) : rest.slice(-most);
        nextPlace = key(forward ? page[page.length - 1]! : page[0]!);
      }
    } else nextEmpties = empties;
    const token = `${forward ? 'f' : 'b'}/${nextPlace[0]}/${nextPlace[1]}/${nextEmpties}`;
    if (token !== request.token || !this.#tokens.has(token)) this.#tokens.set(token, this.requests);
    return this.#render(page, token, request);
  }

  /** The same for each place every time, as silences in a real log are. */
  #emptiesBefore(event: Placed): number {
    const { empty, emptyRun, seed } = this.#behaviour;
    const random = generator(seed ^ (event.order * 7919 + event.time));
    return random() < empty ? 1 + Math.floor(random() * emptyRun) : 0;
  }

  #render(page: readonly Placed[], nextToken: string, request: LogPageRequest): LogPage {
    const lead = this.#behaviour.lead ? request.lead : undefined;
    const parts: Buffer[] = [];
    const ends = new Uint32Array(page.length);
    let end = 0;
    page.forEach((event, i) => {
      let entry = Buffer.from(event.message, 'utf8');
      if (lead !== undefined) {
        const newline = entry[entry.length - 1] === 10 ? '' : '\n';
        entry = Buffer.concat([Buffer.alloc(lead, 0x7f), entry, Buffer.from(newline)]);
      }
      parts.push(entry);
      end += entry.length;
      ends[i] = end;
    });
    const text = Buffer.concat(parts);
    const times = Float64Array.from(page, (event) => event.time);
    this.unreleased++;
    return {
      ...{ count: page.length, text, ends, times, nextToken, lead },
      release: () => {
        // Somebody else's from now on.
        this.unreleased--;
        text.fill(0x21);
        ends.fill(0);
        times.fill(0);
      },
    };
  }
}
