/** What every source of a log must do, so that the engine can read it whole (L3). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/ground/errors.ts';
import type { LogLane, LogPage, LogSource } from '../../src/ports/log-source.ts';

export interface SeededStream {
  name: string;
  /** Sorted by time. */
  events: readonly { time: number; message: string }[];
}

export interface LogSourceHarness {
  source: LogSource;
  close(): Promise<void>;
}

export interface LogSourceTraits {
  /** A source whose job has exactly these streams. */
  open(job: string, streams: readonly SeededStream[]): Promise<LogSourceHarness>;
  /** Whether it reads backward too, and whether it has a second lane. */
  backward: boolean;
  secondLane: boolean;
}

const JOB = 'train-contract';
const AT = Date.UTC(2026, 10, 1);
const TIED = 300;

/** Ties, silences, every kind of awkward text. */
const STREAMS: readonly SeededStream[] = [
  {
    name: `${JOB}/algo-1-1795150455`,
    events: [
      { time: AT, message: 'first' },
      { time: AT + 1, message: 'a\rb\rc \u001b[31mred\u001b[0m nul\0 tab\t"quoted" back\\slash' },
      { time: AT + 1, message: 'Grüße, 世界 🚀' },
      { time: AT + 2, message: 'Traceback:\n  File "x.py"\n' },
      { time: AT + 3, message: 'x'.repeat(200_000) },
      ...Array.from({ length: TIED }, (_, i) => ({ time: AT + 3_600_000, message: `tied ${i}` })),
      ...Array.from({ length: 2_000 }, (_, i) => ({ time: AT + 7_200_000 + i * 10, message: `step ${i}` })),
    ],
  },
  { name: `${JOB}/algo-2-1795150455`, events: [{ time: AT + 5, message: 'the other one' }] },
];
const [first] = STREAMS as [SeededStream, SeededStream];
const END = first.events.at(-1)!.time + 1;

interface Read {
  events: { time: number; message: string }[];
  pages: number;
}

/** Entries are bare messages, or, where room was asked for and given, lines with that room before each. */
function entries({ count, times, text, ends, lead }: LogPage): Read['events'] {
  return Array.from({ length: count }, (_, i) => {
    const entry = text.subarray((i === 0 ? 0 : ends[i - 1]!) + (lead ?? 0), ends[i]!).toString();
    return { time: times[i]!, message: entry.replace(/\n$/, '') };
  });
}

/** A whole chain, as the engine walks it: to the repeated token, or (second lane) to the missing one. */
async function readAll(
  lane: LogLane,
  range: { from?: number; to: number },
  options: { stream?: string; direction?: 'forward' | 'backward'; lead?: number; limit?: number } = {},
): Promise<Read> {
  const { stream = first.name, direction = 'forward', lead, limit } = options;
  const pages: Read['events'][] = [];
  let token: string | undefined;
  let pageCount = 0;
  for (let again = 0; ; ) {
    let page: LogPage;
    try {
      page = await lane.readPage({ stream, ...range, direction, token, lead, limit });
    } catch (error) {
      const worthIt = ['rate_limited', 'unavailable'].includes((error as AppError).code);
      if (!worthIt || ++again > 200) throw error;
      continue;
    }
    pageCount++;
    pages.push(entries(page));
    page.release?.();
    if (page.nextToken === undefined || page.nextToken === token) break;
    token = page.nextToken;
  }
  if (direction === 'backward') pages.reverse();
  return { events: pages.flat(), pages: pageCount };
}

const within = (from: number, to: number): SeededStream['events'] =>
  first.events.filter(({ time }) => time >= from && time < to);

// A line's end and that of its message are the same.
const shown = (events: SeededStream['events']): Read['events'] =>
  events.map(({ time, message }) => ({ time, message: message.replace(/\n$/, '') }));

export function describeLogSource(name: string, traits: LogSourceTraits): void {
  describe(`[L3] ${name} keeps the contract of a log source`, () => {
    let harness: LogSourceHarness;
    let source: LogSource;
    beforeEach(async () => {
      harness = await traits.open(JOB, STREAMS);
      source = harness.source;
    });
    afterEach(() => harness.close());

    it('lists every stream of the job and of no other', async () => {
      const streams = await source.listStreams();
      expect(streams.map((stream) => stream.name).sort()).toEqual(STREAMS.map((stream) => stream.name));
      expect(new Set(streams.map((stream) => stream.shortName)).size).toBe(2);
    });

    it('has an identity that does not change', () => {
      expect(source.id).not.toBe('');
      expect(source.id).toBe(source.id);
    });

    it('gives every event once, in order, byte for byte, until a token repeats', async () => {
      const { events } = await readAll(source, { to: END });
      expect(events).toEqual(shown(first.events));
    });

    it.runIf(traits.backward)('gives the same from the end, pages last to first', async () => {
      const { events } = await readAll(source, { to: END }, { direction: 'backward' });
      expect(events).toEqual(shown(first.events));
    });

    it('has an inclusive start and an exclusive end', async () => {
      const from = AT + 1;
      const to = AT + 3_600_000;
      expect((await readAll(source, { from, to })).events).toEqual(shown(within(from, to)));
      expect((await readAll(source, { from: to, to: to + 1 })).events).toHaveLength(TIED);
    });

    it('gives no more than a limit asks for, and the rest after it', async () => {
      const { events, pages } = await readAll(source, { to: END }, { limit: 700 });
      expect(events).toEqual(shown(first.events));
      expect(pages).toBeGreaterThan(3);
    });

    it('gives the same with room left before each message, where it can', async () => {
      const { events } = await readAll(source, { to: END }, { lead: 25 });
      expect(events).toEqual(shown(first.events));
    });

    it.runIf(traits.secondLane)('reads the same by its second lane', async () => {
      const lane = source.secondLane!;
      expect((await readAll(lane, { to: END })).events).toEqual(shown(first.events));
      const from = AT + 1;
      const to = AT + 3_600_000;
      expect((await readAll(lane, { from, to })).events).toEqual(shown(within(from, to)));
    });
  });
}
