/** A log followed while it is written, by a service that answers as badly as it may. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError, toAppError } from '../../src/ground/errors.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import type { LogPosition } from '../../src/ports/log-source.ts';
import { Growing, line, START, STREAMS } from './growing-log.ts';
import { generator } from './simulated-service.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-follow-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Follows to the end, from the last chunk on wherever the service refuses or `drop` says so. */
async function followAll(
  world: Growing,
  form: 'raw' | 'lines' = 'raw',
  drop: () => boolean = () => false,
): Promise<string> {
  let text = '';
  let from: LogPosition = { offset: 0 };
  for (let tries = 0; tries < 5_000; tries += 1) {
    let dropped = false;
    try {
      const { endedAt, service } = world;
      const chunks = world
        .engine()
        .follow({ source: service, form, from, endedAt }, new AbortController().signal);
      for await (const { offset, bytes, cursor } of chunks) {
        expect(offset).toBe(from.offset);
        // A chunk that was given and not kept is given again.
        if (drop()) {
          dropped = true;
          break;
        }
        text += Buffer.from(bytes).toString('utf8');
        from = { offset: offset + bytes.length, cursor };
      }
      if (!dropped) return text;
    } catch (error) {
      if (!['rate_limited', 'unavailable'].includes(toAppError(error).code)) throw error;
      world.pass(1_000);
    }
  }
  throw new Error('it never ended');
}

describe('a log that is followed', () => {
  it('is what was there before and what comes after, as printed', async () => {
    const world = new Growing(
      folder,
      [line(1, -600_000), line(2, -1_000), line(3, 5_000), line(4, 9_000)],
      {},
      STREAMS.slice(0, 1),
    );
    expect(await followAll(world)).toBe('line 1\nline 2\nline 3\nline 4\n');
  });

  it('of several hosts says time and host, like a download', async () => {
    const world = new Growing(folder, [line(1, -600_000), line(2, 1_000, 0, STREAMS[1])]);
    expect(await followAll(world, 'lines')).toBe(
      '2026-11-19T23:50:00.000Z algo-1 line 1\n2026-11-20T00:00:01.000Z algo-2 line 2\n',
    );
  });

  it('gives out what arrives late, after newer lines', async () => {
    const world = new Growing(folder, [
      line(1, 1_000),
      line(2, 2_000, 40_000),
      line(3, 30_000),
      line(4, 80_000),
    ]);
    expect((await followAll(world)).split('\n').sort()).toEqual(['', 'line 1', 'line 2', 'line 3', 'line 4']);
  });

  it('gets through more lines of one millisecond than a page holds, the same words among them', async () => {
    const burst = Array.from({ length: 95 }, (_, n) => ({
      ...line(n % 7, 3_000),
      at: START + 3_000 + n * 40,
    }));
    const text = await followAll(new Growing(folder, burst, { pageEvents: 10 }));
    expect(text.split('\n').length - 1).toBe(95);
  });

  it('ends for a job that printed nothing', async () => {
    expect(await followAll(new Growing(folder, []))).toBe('');
  });

  it('is all there at once where the job ended long ago, however late it is opened', async () => {
    const world = new Growing(folder, [line(1, -600_000), line(2, -400_000)]);
    world.endedAt = async () => START - 390_000;
    const before = world.now;
    expect(await followAll(world, 'lines')).toContain('line 2');
    expect(world.now).toBe(before);
  });

  it('catches up without a pause where much was printed meanwhile', async () => {
    const much = Array.from({ length: 60 }, (_, n) => ({
      ...line(n, n),
      message: `${n} `.padEnd(100_000, 'x'),
    }));
    const world = new Growing(folder, much, { pageEvents: 4 }, STREAMS.slice(0, 1));
    world.endedAt = async () => undefined;
    world.pass(60_000);
    const stop = new AbortController();
    const { service: source, endedAt } = world;
    let bytes = 0;
    const before = world.now;
    const chunks = world.engine().follow({ source, form: 'raw', from: { offset: 0 }, endedAt }, stop.signal);
    for await (const chunk of chunks) {
      bytes += chunk.bytes.length;
      if (bytes === 60 * 100_001) break;
    }
    expect(world.now).toBe(before);
  });

  it('stays in its form when it is followed on', async () => {
    const world = new Growing(folder, [line(1, -600_000), line(2, 1_000)], {}, STREAMS.slice(0, 1));
    const { service: source, endedAt } = world;
    const signal = new AbortController().signal;
    const first = world
      .engine()
      .follow({ source, form: 'raw', from: { offset: 0 }, endedAt }, signal)
      [Symbol.asyncIterator]();
    const { value } = await first.next();
    await first.return?.();
    const from = { offset: value.bytes.length, cursor: value.cursor };
    let rest = '';
    for await (const { bytes } of world.engine().follow({ source, form: 'lines', from, endedAt }, signal))
      rest += Buffer.from(bytes);
    expect(Buffer.from(value.bytes) + rest).toBe('line 1\nline 2\n');
  });

  it('says that it waits, for what, and that it goes on', async () => {
    const world = new Growing(folder, [line(1, -600_000), line(2, 20_000)], { throttle: 0.3, seed: 7 });
    const heard: string[] = [];
    const { service: source, endedAt } = world;
    const chunks = world.engine().follow(
      {
        ...{ source, endedAt, form: 'raw', from: { offset: 0 } },
        onWait: (wait) => heard.push(wait?.kind ?? 'on'),
      },
      new AbortController().signal,
    );
    for await (const _ of chunks) heard.push('chunk');
    expect(heard[0]).toBe('history');
    expect(heard).toContain('refused');
    expect(heard.at(-1)).toBe('on');
  });

  it('refuses a job with more streams than it can remember', async () => {
    const streams = Array.from({ length: 301 }, (_, n) => `job/algo-${n}`);
    const world = new Growing(folder, [{ ...line(1, -600_000), stream: streams[0]! }], {}, streams);
    await expect(followAll(world)).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'This job writes 301 log streams; at most 300 can be followed live.',
    });
  });

  it('refuses an offset that it did not give', async () => {
    const { service, endedAt } = new Growing(folder, [line(1, 0)]);
    const chunks = createLogEngine({ spoolDir: folder }).follow(
      { source: service, form: 'raw', from: { offset: 5 }, endedAt },
      new AbortController().signal,
    );
    await expect(chunks[Symbol.asyncIterator]().next()).rejects.toThrow(AppError);
  });

  it('ends at once when it is aborted', async () => {
    const world = new Growing(folder, [line(1, 0), line(2, 3_600_000)]);
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const { service, endedAt } = world;
      const request = { source: service, form: 'raw' as const, from: { offset: 0 }, endedAt };
      for await (const _ of world.engine().follow(request, stop.signal)) stop.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow();
    expect(world.now).toBeLessThan(START + 60_000);
  });

  it('gives every line once, whatever is late, refused, cut short or left off in the middle', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            offset: fc.integer({ min: -400_000, max: 300_000 }),
            // Whatever is older than two minutes when it arrives is in downloads alone.
            delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 })),
            stream: fc.constantFrom(...STREAMS),
            word: fc.integer({ min: 0, max: 3 }),
          }),
          { maxLength: 120 },
        ),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 2, max: 40 }),
        fc.boolean(),
        async (plan, seed, pageEvents, isTidy) => {
          const arrivals = plan.map(({ offset, delay, stream, word }) => {
            // Nothing is on its way across the moment in which the following begins.
            const isOld = offset < -100_000;
            return { ...line(word, Math.round(offset / 1_000) * 1_000, isOld ? 0 : delay, stream) };
          });
          const trouble = isTidy ? {} : { partial: 0.4, empty: 0.3, emptyRun: 3, throttle: 0.1, fail: 0.1 };
          const world = new Growing(folder, arrivals, { seed, pageEvents, ...trouble });
          const random = generator(seed);
          const text = await followAll(world, 'lines', () => !isTidy && random() < 0.2);
          const expected = arrivals.map(
            ({ time, stream, message }) => `${new Date(time).toISOString()} ${stream.slice(4)} ${message}`,
          );
          expect(text.split('\n').slice(0, -1).sort()).toEqual(expected.sort());
        },
      ),
      { numRuns: 150 },
    );
  });
});
