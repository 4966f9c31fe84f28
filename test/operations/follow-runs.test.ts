/** Runs that are copied into the store while somebody watches, from a service that answers as badly as it may. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { pause } from '../../src/ground/pause.ts';
import { RunFollower } from '../../src/operations/follow-runs.ts';
import type { LogChunk } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../../src/ports/use-case-session.ts';
import { textLog } from '../../src/providers/text-log.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { type Arrival, Growing, line, START, STREAMS } from '../logs/growing-log.ts';
import type { Behaviour } from '../logs/simulated-service.ts';
import { generator } from '../logs/simulated-service.ts';
import { LINE_3 } from './simulated-account.ts';

const RUN = `${LINE_3.id}~sagemaker~job`;
const LINGER = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-follow-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One use case's SageMaker with one job, a store, and as many processes as a test wants. */
class House {
  readonly growing: Growing;
  readonly logs: MemoryRunLogs;
  readonly errors: unknown[] = [];
  opened = 0;
  /** While it stands, the account cannot be opened. */
  closed: AppError | undefined;
  job: Partial<TrainingJob> | undefined;
  readonly #hub: InProcessHub;
  /** Resolve when a test lets the time of who lingers pass. */
  readonly lingering = new Set<() => void>();
  readLog: TrainingProvider['readLog'] | undefined;

  constructor(arrivals: readonly Arrival[], behaviour: Partial<Behaviour> = {}, streams = STREAMS) {
    this.growing = new Growing(folder, arrivals, behaviour, streams);
    const clock = { now: () => this.growing.now };
    this.logs = new MemoryRunLogs({ clock });
    this.job = { instanceCount: streams.length };
    this.#hub = new InProcessHub({
      clock: { now: () => START },
      onError: (error) => this.errors.push(error),
      after: () => () => undefined,
    });
  }

  process(): RunFollower {
    return new RunFollower({
      logs: this.logs,
      gateway: this.#gateway(),
      coordination: this.#hub.join(),
      useCases: [LINE_3],
      clock: { now: () => this.growing.now },
      team: () => 'T0TEAM',
      onError: (error) => this.errors.push(error),
      wait: async (ms, signal) => {
        signal.throwIfAborted();
        if (ms !== LINGER) await this.growing.pause(ms);
        else
          await new Promise<void>((resolve, reject) => {
            this.lingering.add(resolve);
            signal.addEventListener('abort', () => {
              this.lingering.delete(resolve);
              reject(signal.reason);
            });
          });
      },
    });
  }

  #gateway(): UseCaseGateway {
    return {
      open: async (): Promise<UseCaseSession> => {
        this.opened += 1;
        if (this.closed) throw this.closed;
        return { providers: [this.#provider()] } as unknown as UseCaseSession;
      },
      trainsOn: () => ['sagemaker'],
      links: () => ({ site: '' }),
    };
  }

  #provider(): TrainingProvider {
    const read = {
      name: 'sagemaker',
      getStatus: async () => this.#find(),
      log: () => this.growing.service,
    } as const;
    const text = textLog(this.growing.engine(), read, { now: () => this.growing.now });
    return { ...read, ...text, readLog: this.readLog ?? text.readLog } as unknown as TrainingProvider;
  }

  async #find(): Promise<TrainingJob | undefined> {
    if (!this.job) return undefined;
    const endedAt = await this.growing.endedAt();
    return {
      ...{ name: 'job', useCase: LINE_3.id, provider: 'sagemaker', createdAt: START },
      ...(endedAt === undefined
        ? { state: 'running', status: 'InProgress', secondaryStatus: 'Training' }
        : { state: 'completed', status: 'Completed', endedAt }),
      ...this.job,
    };
  }

  text = async (): Promise<string> => {
    const { size } = (await this.logs.info(RUN)) ?? { size: 0 };
    let text = '';
    for (let at = 0; at < size; ) {
      const { bytes, gap } = await this.logs.read(RUN, at, 65_536);
      text += gap ? `(${gap.to - gap.from} lost)` : Buffer.from(bytes).toString();
      at = gap ? gap.to : at + bytes.length;
    }
    return text;
  };

  end = async () => (await this.logs.info(RUN))?.end;
  note = async () => (await this.logs.info(RUN))?.note;
}

const ONE = STREAMS.slice(0, 1);
/** However busy the machine is. */
const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 20_000 });

describe('[W7] a run that somebody watches', { timeout: 30_000 }, () => {
  it('is copied as it was printed until it ends, with how it ended', async () => {
    const house = new House([line(1, -600_000), line(2, 2_000), line(3, 9_000)], {}, ONE);
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.end).toMatchObject({ state: 'completed', exitCode: null, signal: null });
    expect(await house.text()).toBe('line 1\nline 2\nline 3\n');
    await follower.close();
  });

  it('of several hosts says which one printed a line', async () => {
    const house = new House([line(1, -600_000), line(2, 1_000, 0, STREAMS[1])]);
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.end).toBeTruthy();
    expect(await house.text()).toContain('2026-11-20T00:00:01.000Z algo-2 line 2\n');
    await follower.close();
  });

  it('says why it failed as far as its provider tells', async () => {
    const house = new House([line(1, -600_000)], {}, ONE);
    const reason = 'AlgorithmError: ExecuteUserScriptError: ExitCode 2 ErrorMessage "" , exit code: 1';
    house.job = { state: 'failed', failureReason: reason, endedAt: START - 500_000 };
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.end).toEqual({
      ...{ state: 'failed', exitCode: 2, signal: null },
      at: START - 500_000,
    });
    await follower.close();
  });

  it('is read once, however many watch it in however many processes, and goes on where one of them ends', async () => {
    const arrivals = Array.from({ length: 40 }, (_, n) => line(n, n * 60_000));
    const house = new House(arrivals, {}, ONE);
    const [first, second] = [house.process(), house.process()];
    // Time stands still for the one that reads until the other one waits for its lease.
    for (let n = 0; n < 5; n += 1) {
      first.wanted(RUN);
      second.wanted(RUN);
    }
    await soon(async () => (await house.logs.info(RUN))?.size).toBeGreaterThan(0);
    expect(house.opened).toBe(1);
    await first.close();
    await soon(house.end).toBeTruthy();
    expect(await house.text()).toBe(arrivals.map(({ message }) => `${message}\n`).join(''));
    await second.close();
  });

  it('is followed for a minute after the last one has gone, and on from there when somebody comes again', async () => {
    const house = new House([line(1, -600_000)], {}, ONE);
    house.job = { state: 'running', status: 'InProgress' };
    const follower = house.process();
    const [release, releaseToo] = [follower.wanted(RUN), follower.wanted(RUN)];
    await soon(house.text).toBe('line 1\n');
    release();
    release();
    expect(house.lingering.size).toBe(0);
    releaseToo();
    expect(house.lingering.size).toBe(1);
    // Back in time.
    const again = follower.wanted(RUN);
    for (const pass of house.lingering) pass();
    house.growing.service.arrive(STREAMS[0]!, { time: house.growing.now, message: 'line 2' });
    await soon(house.text).toBe('line 1\nline 2\n');
    expect(house.opened).toBe(1);
    again();
    for (const pass of house.lingering) pass();
    await pause(0);
    house.growing.service.arrive(STREAMS[0]!, { time: house.growing.now + 10, message: 'line 3' });
    await pause(50);
    expect(await house.text()).toBe('line 1\nline 2\n');
    follower.wanted(RUN);
    await soon(house.text).toBe('line 1\nline 2\nline 3\n');
    expect(house.opened).toBe(2);
    await follower.close();
  });

  it('leaves nothing to wait for once it has ended, so that no process is held up that stops', async () => {
    const house = new House([line(1, -600_000)], {}, ONE);
    house.job = { state: 'running', status: 'InProgress' };
    const follower = house.process();
    const release = follower.wanted(RUN);
    await soon(house.text).toBe('line 1\n');
    release();
    expect(house.lingering.size).toBe(1);
    house.job = { state: 'completed', endedAt: START - 500_000 };
    await soon(house.end).toBeTruthy();
    await soon(async () => house.lingering.size).toBe(0);
    // Opened again, and left after its end was seen.
    const releaseToo = follower.wanted(RUN);
    await pause(0);
    releaseToo();
    await soon(async () => house.lingering.size).toBe(0);
    const last = follower.wanted(RUN);
    await follower.close();
    last();
    expect(house.lingering.size).toBe(0);
  });

  it('says that nothing is there yet, that it may not be read, and nothing once it goes on', async () => {
    const house = new House([], {}, ONE);
    house.job = { state: 'pending', status: 'InProgress', secondaryStatus: 'Starting' };
    house.closed = new AppError('permission_denied', 'The role may not read the log.', {
      hint: 'Ask an admin.',
    });
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.note).toBe('The role may not read the log. Ask an admin.');
    house.closed = undefined;
    await soon(house.note).toBe(
      'job has not printed anything yet (Starting). Its first line comes usually 2 to 10 minutes after it was created.',
    );
    house.growing.service.arrive(STREAMS[0]!, { time: house.growing.now, message: 'hello' });
    await soon(house.text).toBe('hello\n');
    await soon(house.note).toBeUndefined();
    await follower.close();
  });

  it('that is slowed down says so, and goes on', async () => {
    const house = new House([line(1, -600_000), line(2, 30_000)], { throttle: 0.5, seed: 3 }, ONE);
    const notes: (string | undefined)[] = [];
    house.logs.watch(RUN, ({ note }) => notes.push(note));
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.end).toBeTruthy();
    expect(await house.text()).toBe('line 1\nline 2\n');
    expect(notes.join('\n')).toContain('It goes on by itself as soon as it can.');
    expect(notes.at(-1)).toBeUndefined();
    await follower.close();
  });

  it('that was deleted while it was followed is lost, and its log is whole', async () => {
    const house = new House([line(1, -600_000)], {}, ONE);
    house.job = { state: 'running' };
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.text).toBe('line 1\n');
    house.job = undefined;
    await soon(house.end).toMatchObject({ state: 'lost', exitCode: null });
    await follower.close();
  });

  it('that there never was is said to be none', async () => {
    const house = new House([], {}, []);
    house.job = undefined;
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.note).toBe('SageMaker has no job job. It was deleted, or never started.');
    await follower.close();
  });

  it('of a provider that tells its bytes itself is copied as they come, what it lost as a gap', async () => {
    const house = new House([line(1, 0)], {}, ONE);
    const asked: number[] = [];
    house.readLog = async function* (_, { offset }): AsyncGenerator<LogChunk> {
      asked.push(offset);
      const chunks = [
        { offset: 0, bytes: Buffer.from('one ') },
        { offset: 9, bytes: Buffer.from('three') },
      ];
      for (const chunk of chunks) if (chunk.offset + chunk.bytes.length > offset) yield chunk;
      if (asked.length === 1) throw new AppError('unavailable', 'The runner does not answer.');
    };
    house.job = { state: 'failed', exit: { code: null, signal: 'SIGKILL' }, endedAt: START };
    const follower = house.process();
    follower.wanted(RUN);
    await soon(house.end).toEqual({ state: 'failed', exitCode: null, signal: 'SIGKILL', at: START });
    expect(await house.text()).toBe('one (5 lost)three');
    expect(asked).toEqual([0, 14]);
    await follower.close();
  });

  it('that has ended is not read again', async () => {
    const house = new House([line(1, -600_000)], {}, ONE);
    await house.logs.create(RUN);
    await house.logs.finish(RUN, { state: 'completed', exitCode: 0, signal: null, at: START });
    const follower = house.process();
    follower.wanted(RUN)();
    await follower.close();
    expect(house.opened).toBe(0);
  });

  it('has an id of a run', () => {
    const follower = new House([]).process();
    expect(() => follower.wanted('press-1')).toThrow('There is no such run.');
  });

  it('is in the store as in its log, in order and once, whatever is refused, stopped, full or started again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            offset: fc.integer({ min: -300, max: 60 }),
            delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
            message: fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }),
          }),
          { maxLength: 60 },
        ),
        fc.boolean(),
        fc.integer({ min: 1, max: 1_000_000 }),
        async (plan, isLate, seed) => {
          const arrivals = plan.map(({ offset, delay, message }, n) => ({
            ...line(0, offset * 1_000, isLate && offset > -100 ? delay : 0),
            // A newline of its own would end the line; what a message is made of is the log engine's matter.
            message: `${n} ${Buffer.from(message).toString().replaceAll(/\s/g, '_')}`,
          }));
          const random = generator(seed);
          const trouble = { partial: 0.3, empty: 0.2, throttle: 0.1, fail: 0.1, pageEvents: 7, seed };
          const house = new House(arrivals, trouble, ONE);
          let follower = house.process();
          follower.wanted(RUN);
          const notes = house.logs.watch(RUN, () => {
            house.logs.problem =
              random() < 0.2 ? new AppError('unavailable', 'The disk is full.') : undefined;
          });
          let seen = house.growing.now;
          while ((await house.end()) === undefined) {
            const { now } = house.growing;
            if (now > START + 24 * 3_600_000) throw new Error('it never ended');
            house.logs.problem = undefined;
            await new Promise((resolve) => setImmediate(resolve));
            if (now === seen || random() > 0.05) continue;
            seen = now;
            await follower.close();
            follower = house.process();
            follower.wanted(RUN);
          }
          notes();
          await follower.close();
          const text = await house.text();
          const all = [...arrivals].sort((a, b) => a.time - b.time).map(({ message }) => message);
          if (isLate) expect(text.split('\n').slice(0, -1).sort()).toEqual(all.sort());
          else expect(text).toBe(all.map((message) => `${message}\n`).join(''));
        },
      ),
      { numRuns: 100 },
    );
    // Some twenty seconds of work, longer on a busy machine.
  }, 240_000);
});
