/** Programs that behave badly, captured in a terminal and through a pipe: what they print is kept as it was, once. */
import fs from 'node:fs';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEnd } from '../../src/domain/runs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { isAlive, isDeadProcess } from '../../src/ground/processes.ts';
import { RunLogConflict } from '../../src/ports/run-log-store.ts';
import {
  type CapturedProcess,
  type CaptureRequest,
  captureRun,
  shellExitCode,
} from '../../src/runs/capture.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { readAll } from '../contract/run-log-store.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { fill, tinyDisk } from '../fixtures/tiny-disk.ts';

const clock = { now: () => 5 };
let folder: string;
let logs: MemoryRunLogs;
let notes: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-capture-'));
  logs = new MemoryRunLogs();
  notes = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Way = 'pty' | 'pipe';
const capture = (way: Way, command: readonly string[], more: Partial<CaptureRequest> = {}): Promise<RunEnd> =>
  captureRun({
    store: logs,
    id: 'run',
    command: command as [string, ...string[]],
    cwd: folder,
    env: process.env,
    terminal: way,
    clock,
    onNote: (text) => notes.push(text),
    ...more,
  });
const sh = (way: Way, script: string, more?: Partial<CaptureRequest>): Promise<RunEnd> =>
  capture(way, ['sh', '-c', script], more);
const node = (way: Way, script: string, more?: Partial<CaptureRequest>): Promise<RunEnd> =>
  capture(way, [process.execPath, '-e', script], more);
/** The logs, of which some calls go otherwise. */
const storeBut = (calls: Partial<CaptureRequest['store']>): CaptureRequest['store'] => ({
  create: (id) => logs.create(id),
  info: (id) => logs.info(id),
  append: (...args) => logs.append(...args),
  skip: (...args) => logs.skip(...args),
  finish: (...args) => logs.finish(...args),
  ...calls,
});
const kept = async (): Promise<Buffer> => (await readAll(logs, 'run')).bytes;
const text = async (): Promise<string> => (await kept()).toString('latin1');
/** A terminal prints a line's end as two bytes. */
const lines = (way: Way, printed: string): string =>
  way === 'pty' ? printed.replaceAll('\n', '\r\n') : printed;

/** Resolves with the process as soon as it has printed the word. */
function printed(word: string): { request: Partial<CaptureRequest>; ready: Promise<CapturedProcess> } {
  let process: CapturedProcess | undefined;
  let seen = '';
  let resolve: (process: CapturedProcess) => void;
  const ready = new Promise<CapturedProcess>((done) => {
    resolve = done;
  });
  const request: Partial<CaptureRequest> = {
    onStart: (started) => {
      process = started;
    },
    show: async (bytes) => {
      seen += Buffer.from(bytes).toString('latin1');
      if (seen.includes(word)) resolve(process!);
      seen = seen.slice(-word.length);
    },
  };
  return { request, ready };
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid) && !(await isDeadProcess(pid))) await new Promise((resolve) => setImmediate(resolve));
}

describe.each<Way>(['pty', 'pipe'])('a run captured by %s', (way) => {
  it('keeps both outputs in the order in which they were written, and the exit code [P4, W1]', async () => {
    const end = await sh(way, 'echo one; echo two >&2; echo three; exit 3');
    expect(end).toEqual({ state: 'failed', exitCode: 3, signal: null, at: 5 });
    expect(await text()).toBe(lines(way, 'one\ntwo\nthree\n'));
    expect((await logs.info('run'))?.end).toEqual(end);
  });

  it('tells its program whether there is a terminal, and of what size', async () => {
    await sh(way, '[ -t 1 ] && stty size <&1 || echo none', { size: { columns: 97, rows: 31 } });
    expect(await text()).toBe(way === 'pty' ? '31 97\r\n' : 'none\n');
  });

  it('prints nothing: an empty log, that has ended', async () => {
    expect(await sh(way, 'exit 0')).toMatchObject({ state: 'completed', exitCode: 0 });
    expect(await logs.info('run')).toMatchObject({ size: 0, gaps: [], end: { state: 'completed' } });
  });

  it('keeps bytes that are no text as they are [W2]', async () => {
    // Without \n and what a terminal takes for a key, every byte there is.
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10));
    await writeFile(join(folder, 'bytes'), Buffer.concat([bytes, Buffer.from([0xc3]), bytes]));
    await sh(way, 'cat bytes');
    expect((await kept()).equals(Buffer.concat([bytes, Buffer.from([0xc3]), bytes]))).toBe(true);
  });

  it('keeps a line of 10 MB, and bars that only return', async () => {
    await node(
      way,
      `process.stdout.write('x'.repeat(1e7)); for (let i = 0; i < 5000; i++) process.stdout.write('\\r' + i)`,
    );
    const bars = Array.from({ length: 5_000 }, (_, i) => `\r${i}`).join('');
    const all = await text();
    expect(all.length).toBe(1e7 + bars.length);
    expect(all.startsWith('x'.repeat(1e7))).toBe(true);
    expect(all.slice(1e7)).toBe(bars);
  });

  it('keeps all of a program that prints as fast as it can', async () => {
    await sh(way, 'seq 1 1000000');
    const expected = lines(way, Array.from({ length: 1_000_000 }, (_, i) => `${i + 1}\n`).join(''));
    expect((await text()) === expected).toBe(true);
    expect(notes).toEqual([]);
  });

  it('says which signal killed it, and what a shell would report', async () => {
    const end = await sh(way, 'printf before; kill -9 $$');
    expect(end).toEqual({ state: 'failed', exitCode: null, signal: 'SIGKILL', at: 5 });
    expect(shellExitCode(end)).toBe(137);
    expect(await text()).toBe('before');
  });

  it('passes signals on to the whole group; asked to end, it counts as stopped [P4]', async () => {
    const { request, ready } = printed('ready');
    const end = sh(
      way,
      `trap : TERM; sh -c 'trap "echo inner; exit" TERM; echo ready; while :; do sleep 0.05; done'; exit 0`,
      request,
    );
    (await ready).signal('SIGTERM');
    expect(await end).toMatchObject({ state: 'stopped' });
    expect(await text()).toContain('inner');
  });

  it('stops what will not stop, with all that it has started', async () => {
    const { request, ready } = printed('ready');
    const end = sh(
      way,
      `trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 0.05; done' & echo $!; echo ready; while :; do sleep 0.05; done`,
      request,
    );
    await (await ready).stop(50);
    expect(await end).toMatchObject({ state: 'stopped', signal: 'SIGKILL' });
    await untilGone(Number.parseInt(await text(), 10));
  });

  it('does not wait for what it leaves behind with its output open', async () => {
    const end = await sh(
      way,
      `sh -c 'trap "" HUP; echo $$ >pid; exec sleep 600' & until [ -s pid ]; do :; done; echo done; exit 0`,
    );
    expect(end).toMatchObject({ state: 'completed', exitCode: 0 });
    expect(await text()).toBe(lines(way, 'done\n'));
    process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGKILL');
  });

  it('keeps what is printed by those who outlive it for a moment', async () => {
    await sh(
      way,
      `sh -c 'trap "" HUP; touch there; sleep 0.2; echo late' & until [ -e there ]; do :; done; exit 5`,
    );
    expect(await text()).toBe(lines(way, 'late\n'));
    expect((await logs.info('run'))?.end).toMatchObject({ exitCode: 5 });
  });

  it('leaves a program its own end that has closed its outputs before, as those of coreutils do', async () => {
    const end = await sh(way, 'echo done; exec >&- 2>&-; sleep 0.2; exit 4');
    expect(end).toMatchObject({ state: 'failed', exitCode: 4, signal: null });
    expect(await text()).toBe(lines(way, 'done\n'));
  });

  it('has nothing to read: its input ends at once', async () => {
    await sh(way, 'cat; echo read');
    expect(await text()).toBe(lines(way, 'read\n'));
  });

  it.each([
    ['no-such-program', 127, /no-such-program was not found.*PATH is/],
    ['./missing', 127, /\.\/missing was not found/],
    ['./plain-file', 126, /\.\/plain-file may not be run.*chmod \+x/],
    ['.', 126, /folder/],
  ])('says why %s cannot be run, also in its log', async (program, exitCode, words) => {
    await writeFile(join(folder, 'plain-file'), 'text');
    expect(await capture(way, [program === '.' ? './' : program])).toMatchObject({
      state: 'failed',
      exitCode,
    });
    expect(await text()).toMatch(words);
  });

  it('says which folder is missing', async () => {
    expect(await sh(way, 'exit 0', { cwd: join(folder, 'nowhere') })).toMatchObject({ exitCode: 127 });
    expect(await text()).toMatch(/folder .*nowhere/);
  });

  it('runs on while its log cannot be written; what is missing is a gap', async () => {
    const { request, ready } = printed('ready');
    let failing = true;
    const store = storeBut({
      append: async (...args: Parameters<CaptureRequest['store']['append']>) => {
        if (failing) throw new AppError('unavailable', 'The disk is full.');
        return logs.append(...args);
      },
    });
    const script = `process.on('SIGUSR2', () => { process.stdout.write('after'); process.exit(0) }); process.stdout.write('x'.repeat(40e6) + 'ready'); process.stdin.resume(); setInterval(() => {}, 1e3)`;
    const end = node(way, script, { ...request, store });
    const running = await ready;
    expect(notes).toEqual([
      expect.stringMatching(/cannot be written: The disk is full\. The command runs on/),
    ]);
    failing = false;
    running.signal('SIGUSR2');
    expect(await end).toMatchObject({ state: 'completed', exitCode: 0 });
    const { bytes, gaps } = await readAll(logs, 'run');
    const size = 40e6 + 'readyafter'.length;
    expect(await logs.info('run')).toMatchObject({ size });
    expect(gaps).toEqual([{ from: 0, to: size - bytes.length, reason: 'lost' }]);
    expect(bytes.length).toBeLessThan(17 * 1_048_576);
    expect(bytes.subarray(-10).toString()).toBe('readyafter');
  });

  it('asks a store no more that has given the log to somebody else', async () => {
    let asked = 0;
    const store = storeBut({
      append: async () => {
        asked += 1;
        throw new RunLogConflict({ id: 'run', size: 9, end: undefined }, 0);
      },
      finish: async () => {
        throw new Error('not ours to finish');
      },
    });
    expect(await sh(way, 'echo one; sleep 0.05; echo two', { store })).toMatchObject({ exitCode: 0 });
    expect(asked).toBe(1);
    expect(notes).toEqual([expect.stringMatching(/cannot be kept any more.*goes on at byte 9/)]);
  });

  it('is not held up by one who looks on and never reads', async () => {
    const never = new Promise<void>(() => undefined);
    const done = printed('never');
    void sh(way, 'head -c 30000000 /dev/zero; echo; echo finished', { ...done.request, show: () => never });
    const ended = await new Promise<RunEnd>((resolve) =>
      logs.watch('run', ({ end }) => {
        if (end) resolve(end);
      }),
    );
    expect(ended).toMatchObject({ state: 'completed' });
    expect((await kept()).length).toBeGreaterThan(30_000_000);
  });

  it('shows the same bytes that it keeps, and goes on when nobody looks any more', async () => {
    let shown = '';
    await sh(way, 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.02; done', {
      show: async (bytes) => {
        shown += Buffer.from(bytes).toString();
        if (shown.includes('3')) throw new Error('EPIPE');
      },
    });
    expect(await text()).toBe(lines(way, '1\n2\n3\n4\n5\n6\n'));
    expect((await text()).startsWith(shown)).toBe(true);
  });

  it.skipIf(!tinyDisk.possible)('survives a disk that is full for a while; the gap is marked', async () => {
    const disk = await tinyDisk.mount(1_024);
    const store = await openFileRunLogs({
      folder: join(disk, 'runs'),
      clock,
      chunkBytes: 65_536,
      head: 65_536,
      cap: 4_000_000,
      tidies: false,
    });
    try {
      await store.create('run');
      await fill(disk);
      const { request, ready } = printed('ready');
      const end = node(
        way,
        `process.on('SIGUSR2', () => { process.stdout.write('after'); process.exit(0) }); process.stdout.write('x'.repeat(300000) + 'ready'); setInterval(() => {}, 1e3)`,
        { ...request, store },
      );
      const running = await ready;
      running.signal('SIGUSR2');
      expect(await end).toMatchObject({ state: 'completed', exitCode: 0 });
      const size = 300_000 + 'readyafter'.length;
      expect(await store.info('run')).toMatchObject({
        size,
        gaps: [{ reason: 'lost', to: size }],
        end: { exitCode: 0 },
      });
      expect(notes.join('\n')).toMatch(/disk is full.*\n.*bytes are missing/s);
    } finally {
      await store.close();
      await tinyDisk.unmount(disk);
    }
  });
});

it('starts nothing where the log cannot be made', async () => {
  const store = storeBut({
    create: async () => {
      throw new AppError('unavailable', 'The disk is full.');
    },
  });
  await expect(sh('pipe', 'touch started', { store })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(access(join(folder, 'started'))).rejects.toThrow();
});

it('closes a terminal that was typed into once: the next file that is opened has its number', async () => {
  const { request, ready } = printed('ready');
  const end = node('pty', `process.stdin.once('data', () => process.exit(0)); console.log('ready')`, {
    ...request,
    input: 'typed',
  });
  const closing = vi.spyOn(fs, 'close');
  try {
    const started = await ready;
    started.type(Buffer.from('yes\n'));
    expect(await end).toMatchObject({ exitCode: 0 });
    // What comes late goes nowhere.
    started.type(Buffer.from('late\n'));
    await setImmediate();
    expect(closing).not.toHaveBeenCalled();
  } finally {
    closing.mockRestore();
  }
});

it('types into a terminal and changes its size', async () => {
  const { request, ready } = printed('ready');
  const resized = printed('61 x 17');
  const end = node(
    'pty',
    `process.stdout.on('resize', () => console.log(process.stdout.columns + ' x ' + process.stdout.rows));
    process.stdin.once('data', (keys) => { console.log('got ' + keys); process.exit(0); });
    console.log('ready')`,
    {
      input: 'typed',
      onStart: (started) => {
        request.onStart!(started);
        resized.request.onStart!(started);
      },
      show: async (bytes) => {
        await request.show!(bytes);
        await resized.request.show!(bytes);
      },
    },
  );
  (await ready).resize({ columns: 61, rows: 17 });
  (await resized.ready).type(Buffer.from('yes\n'));
  expect(await end).toMatchObject({ exitCode: 0 });
  expect(await text()).toMatch(/^ready\r\n61 x 17\r\n.*got yes\r?\n/s);
});

it('turns a key into the signal that it stands for', async () => {
  const { request, ready } = printed('ready');
  const end = node('pty', `console.log('ready'); setInterval(() => {}, 1e3)`, { ...request, input: 'typed' });
  (await ready).type(Buffer.from([3]));
  expect(await end).toMatchObject({ state: 'stopped', signal: 'SIGINT' });
});
