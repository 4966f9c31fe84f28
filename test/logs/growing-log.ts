/** A log that grows while it is read: its service's clock is moved by waiting. */
import { createLogEngine } from '../../src/logs/index.ts';
import { type Behaviour, PERFECT, SimulatedService } from './simulated-service.ts';

export const START = Date.UTC(2026, 10, 20);
export const STREAMS = ['job/algo-1', 'job/algo-2'];

export interface Arrival {
  at: number;
  stream: string;
  time: number;
  message: string;
}

/** A service whose events arrive as its clock, which waiting moves, goes on. */
export class Growing {
  now = START;
  readonly #spoolDir: string;
  readonly service: SimulatedService;
  readonly #arrivals: Arrival[];
  readonly #endsAt: number;

  constructor(
    spoolDir: string,
    arrivals: readonly Arrival[],
    behaviour: Partial<Behaviour> = {},
    streams = STREAMS,
  ) {
    this.#spoolDir = spoolDir;
    this.service = new SimulatedService(
      streams.map((name) => ({ name, events: [] })),
      { ...PERFECT, lead: false, ...behaviour },
    );
    this.#arrivals = [...arrivals].sort((a, b) => a.at - b.at);
    this.#endsAt = Math.max(START, ...arrivals.map(({ at }) => at)) + 1;
    this.#deliver();
  }

  #deliver(): void {
    while (this.#arrivals[0] !== undefined && this.#arrivals[0].at <= this.now) {
      const { stream, time, message } = this.#arrivals.shift()!;
      this.service.arrive(stream, { time, message });
    }
  }

  pass(ms: number): void {
    this.now += ms;
    this.#deliver();
  }

  /** Others have their turn meanwhile: what is followed without end stops nobody. */
  async pause(ms: number): Promise<void> {
    this.pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  engine() {
    return createLogEngine({
      spoolDir: this.#spoolDir,
      clock: { now: () => this.now },
      timing: { wait: (ms) => this.pause(ms) },
    });
  }

  endedAt = async (): Promise<number | undefined> => (this.now >= this.#endsAt ? this.#endsAt : undefined);
}

export const line = (n: number, offset: number, delay = 0, stream = STREAMS[0]!): Arrival => ({
  stream,
  time: START + offset,
  at: START + offset + delay,
  message: `line ${n}`,
});
