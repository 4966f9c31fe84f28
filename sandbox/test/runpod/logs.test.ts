/** A pod's log as server-sent events: where it begins, where it goes on, and that it does not end. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { formatTime, PodLog, parseTime } from '../../src/runpod/pod-log.ts';
import { fixedProgram, type PodProgram } from '../../src/runpod/program.ts';
import { type LogReader, type Pods, startPods } from './support.ts';

const open: Pods[] = [];
const readers: LogReader[] = [];
/** A pod that prints `lines`, one after the other in a second, then nothing, and has run for a minute. */
const start = async (lines: string[], settings: Parameters<typeof startPods>[1] = {}) => {
  const program = fixedProgram(
    lines.map((line, index) => ({ after: index === 0 ? 0 : 1, line })),
    undefined,
  );
  const pods = await startPods({ programs: [{ match: 'acme', program }] }, settings);
  open.push(pods);
  const id = await pods.create();
  await pods.time.advance(60_000);
  const logs = async (...args: Parameters<Pods['logs']> extends [string, ...infer R] ? R : never) => {
    const reader = await pods.logs(id, ...args);
    readers.push(reader);
    return reader;
  };
  return { ...pods, id, logs, logsOf: pods.logs };
};
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close();
  await Promise.all(open.splice(0).map(({ sandbox }) => sandbox.close()));
});

const texts = (frames: { line: string }[]): string[] => frames.map(({ line }) => line);
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}`);

describe("[O7] a RunPod pod's log", () => {
  it('comes as frames with the time as id, the container’s in nanoseconds, the system’s in whole seconds', async () => {
    const { logs } = await start(['hello']);
    const frames = await (await logs()).take(6);
    for (const { id, ts } of frames) expect(id).toBe(ts);
    expect(frames.map(({ source }) => source)).toEqual([...Array(5).fill('system'), 'container']);
    expect(frames[0]!.line).toBe('create container acme/train:1');
    expect(frames[0]!.ts).toMatch(/T\d\d:\d\d:\d\dZ$/);
    expect(frames[5]!.ts).toMatch(/T\d\d:\d\d:\d\d\.\d{1,9}Z$/);
    // Said at once: one id for several lines.
    expect(frames[1]!.id).toBe(frames[0]!.id);
  });

  it('begins with the last 100 lines, or with as many as are asked for, of the source that is asked for', async () => {
    const { logs } = await start(numbered(30));
    const all = await (await logs('?tail=5000')).take(35);
    expect(texts(all.slice(-2))).toEqual(['line 29', 'line 30']);
    expect(texts(await (await logs('?tail=2&source=container')).take(2))).toEqual(['line 29', 'line 30']);
    expect(texts(await (await logs('?tail=1&source=system')).take(1))).toEqual([
      'start container for acme/train:1: begin',
    ]);
  });

  it('goes on with what is printed, and does not end when the pod does', async () => {
    const { logs, sandbox, call, id, time } = await start(['hello']);
    const reader = await logs('?tail=0');
    sandbox.print('weld-seams', ['one', 'two']);
    const said = await reader.take(2);
    expect(texts(said)).toEqual(['one', 'two']);
    expect(said[0]!.id).toBe(said[1]!.id);
    await call('POST', `/pods/${id}/action`, { action: 'stop' });
    // The host's lines have whole seconds, and none is before a line that was there.
    await time.advance(1_000);
    expect(texts(await reader.take(1))).toEqual([`stop container ${id}`]);
    await call('POST', `/pods/${id}/action`, { action: 'start' });
    expect(texts(await reader.take(1))).toEqual(['create container acme/train:1']);
  });

  it('goes on by itself as time goes', async () => {
    const { logs, time } = await start(numbered(120));
    const reader = await logs('?tail=1');
    const [first] = await reader.take(1);
    const number = Number(first!.line.slice(5));
    await time.advance(3_000);
    expect(texts(await reader.take(3))).toEqual([1, 2, 3].map((more) => `line ${number + more}`));
  });

  it('goes on after Last-Event-ID, which wins over since, which wins over tail', async () => {
    const { logs } = await start(numbered(10));
    const frames = await (await logs('?source=container')).take(10);
    const since = `since=${encodeURIComponent(frames[2]!.ts)}`;
    const from = await (await logs(`?source=container&tail=1&${since}`)).take(8);
    expect(from[0]!.line).toBe('line 3');
    const after = await logs(`?source=container&tail=1&${since}`, { 'last-event-id': frames[7]!.id });
    expect(texts(await after.take(2))).toEqual(['line 9', 'line 10']);
  });

  it('by a time loses what shared it, or doubles it where it is told to', async () => {
    const { logs, sandbox, time } = await start([]);
    sandbox.print('weld-seams', ['a', 'b', 'c']);
    sandbox.print('weld-seams', ['d']);
    const [a] = await (await logs('?source=container')).take(1);
    const cursor = { 'last-event-id': a!.id };
    // `d` was printed in the same millisecond of the clock in hand.
    await time.advance(1_000);
    sandbox.print('weld-seams', ['x']);
    expect(texts(await (await logs('', cursor)).take(1))).toEqual(['x']);
    sandbox.configure({ resume: 'from' });
    expect(texts(await (await logs('?source=container', cursor)).take(4))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives, from any line on, all later ones once; of those that share its time none, all, or the ones behind it', async () => {
    const { create, logsOf, sandbox, time } = await start([]);
    const burst = fc.record({ lines: fc.integer({ min: 1, max: 6 }), ms: fc.nat(1_500) });
    const log = fc.array(burst, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(log, fc.nat(), fc.boolean(), async (bursts, at, seconds) => {
        sandbox.configure({ times: seconds ? 'seconds' : 'nanoseconds', ids: 'ts', resume: 'after' });
        const id = await create({ name: `pod-${at}` });
        const total = bursts.reduce((sum, { lines }) => sum + lines, 0);
        for (const { lines, ms } of bursts) {
          await time.advance(ms);
          sandbox.print(id, numbered(lines));
        }
        await time.advance(2_000);
        const read = async (count: number, headers = {}) => {
          const reader = await logsOf(id, '?source=container', headers);
          try {
            return await reader.take(count);
          } finally {
            reader.close();
          }
        };
        const all = await read(total);
        const index = at % total;
        const cursor = { 'last-event-id': all[index]!.id };
        // Not as texts: `06.5Z` sorts before `06Z`.
        const cursorTime = parseTime(all[index]!.ts)!;
        const later = all.filter(({ ts }) => parseTime(ts)! > cursorTime);
        // A line that marks the end: a stream of none does not end.
        await time.advance(2_000);
        sandbox.print(id, ['end']);
        const after = await read(later.length + 1, cursor);
        expect(after.slice(0, -1)).toEqual(later);
        sandbox.configure({ resume: 'from' });
        const from = all.filter(({ ts }) => parseTime(ts)! >= cursorTime);
        expect((await read(from.length + 1, cursor)).slice(0, -1)).toEqual(from);
        sandbox.configure({ ids: 'ts/counter' });
        const numberedIds = await read(total);
        const behind = await read(total - index, { 'last-event-id': numberedIds[index]!.id });
        expect(behind.slice(0, -1)).toEqual(numberedIds.slice(index + 1));
        expect(behind.at(-1)!.line).toBe('end');
      }),
      { numRuns: 100 },
    );
  });

  it('with ids of time and number goes on exactly behind the line', async () => {
    const { logs, sandbox } = await start([], { ids: 'ts/counter' });
    sandbox.print('weld-seams', ['a', 'b', 'c']);
    const [a] = await (await logs('?source=container')).take(1);
    expect(a!.id).toBe(`${a!.ts}/000000000006`);
    expect(texts(await (await logs('', { 'last-event-id': a!.id })).take(2))).toEqual(['b', 'c']);
  });

  it('has whole seconds for all where it is told to, so that many lines share one', async () => {
    const { logs, sandbox } = await start([], { times: 'seconds' });
    sandbox.print('weld-seams', numbered(3));
    const frames = await (await logs('?source=container')).take(3);
    expect(new Set(frames.map(({ ts }) => ts)).size).toBe(1);
    expect(frames[0]!.ts).toMatch(/:\d\dZ$/);
  });

  it('does not even send its headers before there is a line', async () => {
    const { logs, sandbox } = await start([], { headers: 'withheld' });
    let answered = false;
    const waiting = logs('?tail=0').then((reader) => {
      answered = true;
      return reader;
    });
    // The server has the request as soon as another one, sent after it, was answered.
    for (let round = 0; round < 5; round++) await (await logs('?tail=1')).take(1);
    expect(answered).toBe(false);
    sandbox.print('weld-seams', ['at last']);
    expect(texts(await (await waiting).take(1))).toEqual(['at last']);
  });

  it.each([
    ['?source=both', "source: value must be one of 'container', 'system'"],
    ['?tail=5001', 'tail: maximum: got 5001, want 5000'],
    ['?tail=-1', 'tail: minimum: got -1, want 0'],
    ['?tail=all', 'tail: got string, want integer'],
    ['?since=yesterday', "since: 'yesterday' is not valid date-time"],
  ])('refuses %s by name', async (query, error) => {
    const { call, id } = await start([]);
    expect(await call('GET', `/pods/${id}/logs${query}`)).toMatchObject({
      status: 422,
      body: { errors: [error] },
    });
  });

  it('begins again when the command has ended, with the host saying so', async () => {
    const pods = await startPods({
      programs: [{ match: 'acme', program: fixedProgram([{ after: 1, line: 'done' }], 0) }],
    });
    open.push(pods);
    const id = await pods.create();
    await pods.time.advance(9_000);
    const reader = await pods.logs(id);
    readers.push(reader);
    expect(texts(await reader.take(8)).slice(4)).toEqual([
      'start container for acme/train:1: begin',
      'done',
      'start container for acme/train:1: begin',
      'done',
    ]);
  });
});

describe("a pod's program", () => {
  it('has a last word when its pod is stopped, and none when its pod is taken away', async () => {
    const program: PodProgram = {
      write: (script) => {
        for (let second = 0; second < 100; second++) script.say(`step ${second}`, 1_000);
        return undefined;
      },
      stop: (script, { name }, last) => script.say(`${name} ends behind ${last}`),
    };
    const pods = await startPods({ programs: [{ match: 'acme', program }] });
    open.push(pods);
    const ids = [await pods.create({ name: 'stopped' }), await pods.create({ name: 'taken' })];
    await pods.time.advance(30_000);
    await pods.call('POST', `/pods/${ids[0]}/action`, { action: 'stop' });
    pods.sandbox.preempt('taken');
    await pods.time.advance(2_000);
    const last = async (id: string) => {
      const reader = await pods.logs(id, '?tail=2');
      readers.push(reader);
      return texts(await reader.take(2));
    };
    expect(await last(ids[0]!)).toEqual(['stopped ends behind step 24', `stop container ${ids[0]}`]);
    expect(await last(ids[1]!)).toEqual(['step 24', `stop container ${ids[1]}: host is going away`]);
  });
});

describe('the built-in trainer', () => {
  it('prints what it was asked to train, and fails where it was asked to', async () => {
    const pods = await startPods({}, { whenCommandEnds: 'exit' });
    open.push(pods);
    const command = 'python train.py --epochs 3 --lr 0.01 --seconds-per-epoch 2 --fail-at-epoch=2';
    const id = await pods.create({ args: command });
    await pods.time.advance(60_000);
    const reader = await pods.logs(id, '?source=container');
    readers.push(reader);
    const lines = texts(await reader.take(18));
    expect(lines[0]).toBe('train.py: epochs=3 lr=0.01 batch-size=32');
    expect(lines.filter((line) => line.startsWith('epoch 1/3 step'))).toHaveLength(5);
    expect(lines.find((line) => line.includes('val_accuracy'))).toMatch(
      /^epoch 1\/3 val_loss=\d\.\d{4} val_accuracy=0\.\d{4}$/,
    );
    expect(lines.at(-1)).toBe('RuntimeError: loss is nan in epoch 2');
  });
});

describe('times of a log', () => {
  it('survive being written and read, to the nanosecond', () => {
    const any = fc.bigInt({ min: 0n, max: 4_102_444_800_000_000_000n });
    fc.assert(
      fc.property(any, (time) => parseTime(formatTime(time)) === time),
      { numRuns: 500 },
    );
    expect(parseTime('2026-08-13T20:06:15.1+02:00')).toBe(parseTime('2026-08-13T18:06:15.1Z'));
    for (const wrong of ['', 'now', '2026-08-13', '2026-13-13T00:00:00Z'])
      expect(parseTime(wrong)).toBeUndefined();
  });

  it('never go back, whatever is written, put in between and taken back', () => {
    const step = fc.record({
      ms: fc.nat(2_000),
      source: fc.constantFrom('container' as const, 'system' as const),
      how: fc.constantFrom('write', 'insert', 'clip'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, seconds) => {
        const log = new PodLog(() => (seconds ? 'seconds' : 'nanoseconds'));
        let now = 1_800_000_000_000;
        for (const { ms, source, how } of steps) {
          now += ms;
          if (how === 'write') log.write(source, [{ at: now + 1_500, message: 'later' }]);
          else if (how === 'insert') log.insert(source, ['now'], now, seconds);
          else log.clip(now);
        }
        const times = log.lines.map(({ time }) => time);
        return times.every((time, index) => index === 0 || times[index - 1]! <= time);
      }),
      { numRuns: 300 },
    );
  });
});
