import { describe, expect, it } from 'vitest';
import { readLogEnds } from '../../src/operations/log-end.ts';
import type { LogPage, LogSource } from '../../src/ports/log-source.ts';

interface Written {
  at: number;
  text: string;
}

/** One page with all events of a stream; what was asked for is on record. */
function source(streams: Record<string, Written[]>): LogSource & { asked: string[] } {
  const asked: string[] = [];
  return {
    id: 'log',
    asked,
    listStreams: async () =>
      Object.entries(streams).map(([name, events]) => ({
        name,
        shortName: name,
        lastEventAt: events.at(-1)!.at,
      })),
    readPage: async ({ stream, token }): Promise<LogPage> => {
      asked.push(stream);
      const events = token === undefined ? streams[stream]! : [];
      const messages = events.map(({ text }) => Buffer.from(text));
      let end = 0;
      return {
        count: events.length,
        text: Buffer.concat(messages),
        ends: Uint32Array.from(messages, ({ length }) => (end += length)),
        times: Float64Array.from(events, ({ at }) => at),
        nextToken: 'end',
      };
    },
  };
}

describe('the ends of a log', () => {
  it('have a time for each line, also where an event has several or none ends with a newline', async () => {
    const [end] = await readLogEnds(
      source({
        'algo-1': [
          { at: 1, text: 'one\ntwo' },
          { at: 2, text: 'three\n' },
          { at: 3, text: '' },
        ],
      }),
      { now: 10 },
    );
    expect(end!.text.split('\n')).toEqual(['one', 'two', 'three', '', '']);
    expect(end!.times).toEqual([1, 1, 2, 3, 3]);
  });

  it('take one request where fewer events will do than are asked for', async () => {
    const log = source({ 'algo-1': Array.from({ length: 70 }, (_, at) => ({ at, text: `${at}` })) });
    await readLogEnds(log, { now: 99, events: { most: 200, enough: 64 } });
    expect(log.asked).toHaveLength(1);
    await readLogEnds(log, { now: 99, events: { most: 200, enough: 71 } });
    expect(log.asked).toHaveLength(3);
  });

  it('of a failure are also those of the machines that fell silent first', async () => {
    const machines = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`algo-${index + 1}`, [{ at: 1_000 + index, text: 'x' }]]),
    );
    const running = source(machines);
    await readLogEnds(running, { now: 9_999 });
    expect(new Set(running.asked).size).toBe(6);
    expect(running.asked).toContain('algo-60');
    const failed = source(machines);
    const ends = await readLogEnds(failed, { now: 9_999, failed: true });
    expect(ends.length).toBe(16);
    expect(ends[0]!.stream).toBe('algo-1');
    expect(ends.at(-1)!.stream).toBe('algo-60');
  });

  it('keep both ends of an event of a megabyte, and no more of a stream than is looked at', async () => {
    const huge = `begin ${'x'.repeat(1_000_000)} end`;
    const [end] = await readLogEnds(
      source({ 'algo-1': Array.from({ length: 40 }, (_, at) => ({ at, text: huge })) }),
      { now: 99 },
    );
    expect(end!.text.length).toBeLessThan(140_000);
    expect(end!.text).toMatch(/^begin x+ … x+ end\n/);
    expect(end!.times.length).toBe(end!.text.split('\n').length);
  });
});
