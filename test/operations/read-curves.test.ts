/** How much of a log is read for curves, and for how long; what is said when that was not all. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError, CancelledError } from '../../src/ground/errors.ts';
import type { LogDownloader } from '../../src/logs/index.ts';
import { type CurveOptions, CurveReader, type Curves } from '../../src/operations/read-curves.ts';
import { metricReader } from '../../src/roots.ts';
import { LAB, type Lab, MINUTE, openLab } from '../commands/lab.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';

const LINES = 400;
const LIMITS = { bytes: 1e9, ms: MINUTE, tail: 10 };

type Download = LogDownloader['download'];

let lab: Lab;
let runner: MemoryRunner;
let useCase: UseCase;
/** What the engine was asked for, and what becomes of it. */
let asked: Parameters<Download>[0][];
let answer: (nth: number, ...request: Parameters<Download>) => ReturnType<Download>;
let reader: CurveReader;

beforeEach(async () => {
  runner = new MemoryRunner('lab');
  lab = await openLab([runner]);
  useCase = LAB;
  asked = [];
  answer = (_, ...request) => lab.services.engine.download(...request);
  reader = new CurveReader({
    ...lab.services,
    metricReader,
    engine: {
      download: (...request) => {
        asked.push(request[0]);
        return answer(asked.length - 1, ...request);
      },
    },
  });
  const createdAt = lab.now();
  runner.put('press-1', 'EXECUTING', { createdAt, startedAt: createdAt });
  for (let n = 1; n <= LINES; n++) runner.print('press-1', createdAt + n, `step ${n} loss=${1000 - n}.5\n`);
  runner.put('press-1', 'EXITED_0', { createdAt, endedAt: createdAt + LINES + 1 });
  await lab.pass(60 * MINUTE);
});
afterEach(async () => {
  vi.useRealTimers();
  await lab.close();
});

const read = (options: CurveOptions = {}): Promise<Curves> =>
  reader.read({ actor: { team: 'T', user: 'U0ADA' }, useCase, job: 'local:press-1' }, options);

/** A download that takes until it is aborted. Time stands still but for it. */
const endless: Download = (_, { signal } = {}) =>
  new Promise((_resolve, reject) => {
    signal!.addEventListener('abort', () => reject(signal!.reason as Error));
    if (vi.isFakeTimers()) vi.advanceTimersByTime(LIMITS.ms);
  });
const stopTime = () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

const WHOLE = { first: { x: 1, value: 999.5 }, last: { x: LINES, value: 600.5 }, count: LINES };
const END = { first: { x: 391, value: 609.5 }, last: { x: LINES, value: 600.5 }, count: 10 };

describe('[W8] the log that curves are read from', () => {
  it('is read whole where it is small enough, once', async () => {
    const curves = await read();
    expect(curves).toMatchObject({ linesRead: LINES, series: [WHOLE] });
    expect(curves.cut).toBeUndefined();
    expect(await read()).toMatchObject({ series: [WHOLE] });
    expect(asked.map(({ tail }) => tail)).toEqual([undefined]);
  });

  it('is read from its end alone where it is larger than that', async () => {
    const curves = await read({ limits: { ...LIMITS, bytes: 2000 } });
    expect(curves).toMatchObject({ cut: { by: 'size', tail: 10 }, linesRead: 10, series: [END] });
    expect(asked.map(({ tail }) => tail)).toEqual([undefined, 10]);
  });

  it('is read from its end alone where all of it takes too long', async () => {
    stopTime();
    answer = (nth, ...request) =>
      nth === 0 ? endless(...request) : lab.services.engine.download(...request);
    const curves = await read({ limits: LIMITS });
    expect(curves).toMatchObject({ cut: { by: 'time', tail: 10 }, linesRead: 10, series: [END] });
  });

  it('is read again by who has more time: a part of it is not remembered', async () => {
    await read({ limits: { ...LIMITS, bytes: 2000 } });
    expect(await read({ limits: LIMITS })).toMatchObject({ linesRead: LINES, series: [WHOLE] });
    expect(asked).toHaveLength(3);
  });

  it('is given up where even its end takes too long, which says what to do instead', async () => {
    stopTime();
    answer = (_, ...request) => endless(...request);
    const failed = await read({ limits: LIMITS }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AppError);
    expect(failed).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('even its last 10 lines'),
      hint: expect.stringContaining('/logs local:press-1 --last 1h'),
    });
    expect(asked).toHaveLength(2);
  });

  it('is not read further by who no longer waits', async () => {
    const cancel = new AbortController();
    answer = (_, request, options) => {
      const waiting = endless(request, options);
      cancel.abort(new CancelledError('Cancelled'));
      return waiting;
    };
    const failed = await read({ limits: LIMITS, signal: cancel.signal }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CancelledError);
    expect(asked).toHaveLength(1);
  });

  it('may fail to be read, which is no limit', async () => {
    answer = async () => {
      throw new AppError('unavailable', 'The log service does not answer.');
    };
    await expect(read({ limits: { ...LIMITS, bytes: 1 } })).rejects.toThrow('does not answer');
    expect(asked).toHaveLength(1);
  });
});
