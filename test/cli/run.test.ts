/** `signalbox run` as a shell sees it: its own process, its signals, its terminal. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pushRoutes } from '../../src/http/push.ts';
import { startHttpServer } from '../../src/http/server.ts';
import { type CapturedProcess, captureRun } from '../../src/runs/capture.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { readAll } from '../contract/run-log-store.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { PUSH_TOKEN, pushingUseCase } from '../fixtures/push-server.ts';
import { run } from './in-memory.ts';

const SIGNALBOX = [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  resolve(import.meta.dirname, '../../src/cli.ts'),
] as const;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'signalbox-run-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const env = (): Record<string, string> => ({ PATH: process.env.PATH! });
const signalbox = (...args: string[]) => run(['run', ...args], { cwd, env: env() });
const names = async (): Promise<string[]> => await readdir(join(cwd, 'signalbox-runs')).catch(() => []);

async function kept(name: string, folder = join(cwd, 'signalbox-runs')) {
  const store = await openFileRunLogs({ folder, clock: { now: Date.now }, tidies: false });
  try {
    return { info: await store.info(name), ...(await readAll(store, name)) };
  } finally {
    await store.close();
  }
}

/** As its own process. */
function started(args: readonly string[], options: SpawnOptions = {}) {
  const [node, ...rest] = SIGNALBOX;
  const child: ChildProcess = spawn(node, [...rest, 'run', ...args], { cwd, stdio: 'pipe', ...options });
  let output = '';
  const waiting: { word: string; resolve: () => void }[] = [];
  const hear = (bytes: Buffer): void => {
    output += bytes;
    for (const { word, resolve } of waiting) if (output.includes(word)) resolve();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return {
    child,
    printed: (word: string) => new Promise<void>((resolve) => waiting.push({ word, resolve })),
    ended: new Promise<{ code: number | null; output: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, output })),
    ),
  };
}

describe('signalbox run', () => {
  it('shows what the command prints, keeps it, and ends as it does [P4]', async () => {
    const { exitCode, stdout, stderr } = await signalbox(
      '--name',
      'a',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 3',
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'out\r\nerr\r\n' });
    expect(stderr).toBe(`signalbox: 10 bytes of a are kept in ${join(cwd, 'signalbox-runs', 'a')}\n`);
    const { bytes, info } = await kept('a');
    expect(bytes.toString()).toBe('out\r\nerr\r\n');
    expect(info?.end).toMatchObject({ state: 'failed', exitCode: 3 });
  });

  it('captures through a pipe when asked to', async () => {
    expect(await signalbox('--pipe', '--', 'sh', '-c', 'echo out; echo err >&2')).toMatchObject({
      exitCode: 0,
      stdout: 'out\nerr\n',
    });
  });

  it('leaves flags behind the command to the command, also without dashes', async () => {
    expect(await signalbox('echo', '--name', 'x', '--help')).toMatchObject({
      exitCode: 0,
      stdout: '--name x --help\r\n',
    });
  });

  it('names a run after its script and the time', async () => {
    await writeFile(join(cwd, 'train model.sh'), 'echo $1');
    await signalbox('--', 'sh', 'train model.sh', '--lr');
    await signalbox('--', 'echo');
    expect((await names()).sort()).toEqual([
      expect.stringMatching(/^echo-\d{8}-\d{6}-[0-9a-f]{4}$/),
      expect.stringMatching(/^train-model-\d{8}-\d{6}-[0-9a-f]{4}$/),
    ]);
  });

  it('reports a signal as shells do', async () => {
    expect(await signalbox('--', 'sh', '-c', 'kill -9 $$')).toMatchObject({ exitCode: 137 });
    expect(await signalbox('--', 'sh', '-c', 'kill -TERM $$')).toMatchObject({ exitCode: 143 });
  });

  it('says what cannot be run, with a shell’s exit code, and keeps no log of it', async () => {
    await writeFile(join(cwd, 'train.py'), '');
    expect(await signalbox('--', 'no-such-program')).toMatchObject({
      exitCode: 127,
      stderr: expect.stringMatching(/no-such-program was not found/),
    });
    expect(await signalbox('--', './train.py')).toMatchObject({
      exitCode: 126,
      stderr: expect.stringMatching(/may not be run: make it executable/),
    });
    expect(await names()).toEqual([]);
  });

  it('wants a command, a name that is free, and one that a run can have', async () => {
    expect(await signalbox()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no command to run/),
    });
    await signalbox('--name', 'a', '--', 'true');
    expect(await signalbox('--name', 'a', '--', 'true')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/There is a run named a already/),
    });
    expect(await signalbox('--name', '../a', '--', 'true')).toMatchObject({ exitCode: 2 });
  });

  it('says why its folder cannot be written, and starts nothing', async () => {
    await writeFile(join(cwd, 'taken'), '');
    expect(await signalbox('--dir', 'taken', '--', 'sh', '-c', 'echo started')).toMatchObject({
      exitCode: 5,
      stdout: '',
      stderr: expect.stringMatching(/folder of run logs cannot be made/),
    });
  });

  it('gives its input to the command, also where it is closed', async () => {
    const piped = started(['--name', 'piped', '--', 'cat']);
    piped.child.stdin!.end('typed\n');
    expect(await piped.ended).toMatchObject({ code: 0, output: expect.stringMatching(/^typed\r\n/) });
    const closed = spawn(
      'sh',
      ['-c', '"$@" <&-', 'sh', ...SIGNALBOX, 'run', '--name', 'closed', '--', 'cat'],
      {
        cwd,
        stdio: 'ignore',
      },
    );
    expect(await new Promise((resolve) => closed.once('close', resolve))).toBe(0);
    expect((await kept('closed')).info).toMatchObject({ size: 0, end: { exitCode: 0 } });
  });

  it.each([['pty'], ['pipe']])('passes on a signal and waits for what comes of it, by %s', async (way) => {
    const script = `process.on('SIGTERM', () => { console.log('saved'); process.exit(9); }); setInterval(() => {}, 1e3); console.log('ready')`;
    const flags = way === 'pipe' ? ['--pipe'] : [];
    const { child, printed, ended } = started([
      ...flags,
      '--name',
      'a',
      '--',
      process.execPath,
      '-e',
      script,
    ]);
    await printed('ready');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 9, output: expect.stringMatching(/ready\r?\nsaved\r?\n/) });
    expect((await kept('a')).info?.end).toMatchObject({ state: 'stopped', exitCode: 9 });
  });

  it('outlives the terminal that it was started from, where nobody types', async () => {
    const script = `process.on('SIGHUP', () => console.log('hung up')); process.on('SIGUSR2', () => process.exit(0)); setInterval(() => {}, 1e3); console.log('ready')`;
    const { child, printed, ended } = started(['--', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await printed('ready');
    child.kill('SIGHUP');
    child.kill('SIGUSR2');
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).not.toMatch(/hung up/);
  });

  it('goes on when nobody reads any more', async () => {
    const { child, ended } = started([
      '--name',
      'a',
      '--',
      'sh',
      '-c',
      'seq 1 50000; sleep 0.1; seq 1 50000',
    ]);
    child.stdout!.destroy();
    expect((await ended).code).toBe(0);
    const { info } = await kept('a');
    expect(info).toMatchObject({ gaps: [], end: { exitCode: 0 } });
    expect(info!.size).toBe(2 * (288_894 + 50_000));
  });

  it('takes a terminal over for as long as it runs: keys, size, and its state afterwards', async () => {
    const logs = new MemoryRunLogs();
    let outer: CapturedProcess | undefined;
    let shown = '';
    const steps: [word: string, then: () => void][] = [
      ['size 95 x 27', () => outer!.resize({ columns: 64, rows: 19 })],
      ['size 64 x 19', () => outer!.type(Buffer.from([3]))],
    ];
    const script = `const say = () => console.log('size ' + process.stdout.columns + ' x ' + process.stdout.rows);
      process.stdout.on('resize', say); process.on('SIGINT', () => { console.log('interrupted'); process.exit(7); });
      setInterval(() => {}, 1e3); say()`;
    await writeFile(join(cwd, 'inner.cjs'), script);
    const command = `stty -a >before; "$@"; echo "code $?"; stty -a >after; cmp before after && echo restored`;
    await captureRun({
      store: logs,
      id: 'outer',
      command: ['sh', '-c', command, 'sh', ...SIGNALBOX, 'run', '--', process.execPath, 'inner.cjs'],
      cwd,
      env: process.env,
      terminal: 'pty',
      size: { columns: 95, rows: 27 },
      input: 'typed',
      clock: { now: Date.now },
      onStart: (process) => {
        outer = process;
      },
      show: async (bytes) => {
        shown += Buffer.from(bytes).toString();
        if (steps[0] && shown.includes(steps[0][0])) steps.shift()![1]();
      },
    });
    expect(shown).toMatch(/\^Cinterrupted\r\nsignalbox: .* are kept in .*\r\ncode 7\r\n/);
    // The size was changed meanwhile, and only that.
    const { bytes } = await readAll(logs, 'outer');
    expect(bytes.toString()).toMatch(/restored\r\n$|before after differ: byte \d+, line 1\r\n$/);
  });
});

describe('signalbox run --push', () => {
  async function server() {
    const logs = new MemoryRunLogs();
    const useCases = [pushingUseCase('line-3', PUSH_TOKEN)];
    const { port, close } = await startHttpServer(
      [pushRoutes({ logs, useCases, clock: { now: Date.now } })],
      { port: 0 },
    );
    return { logs, url: `http://127.0.0.1:${port}`, close };
  }
  const pushing = (
    args: string[],
    variables: Record<string, string> = { SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN },
  ) => run(['run', ...args], { cwd, env: { ...env(), ...variables } });

  it('sends the log with its end, and keeps the token from the command [P4]', async () => {
    const { logs, url, close } = await server();
    const script = 'echo hello; env | grep -c a-token; exit 3';
    const ran = await pushing(
      ['--push', url, '--token-env', 'MY_TOKEN', '--name', 'a', '--', 'sh', '-c', script],
      {
        MY_TOKEN: PUSH_TOKEN,
      },
    );
    expect(ran).toMatchObject({ exitCode: 3, stdout: 'hello\r\n0\r\n' });
    const id = 'line-3~push~a';
    expect((await readAll(logs, id)).bytes.toString()).toBe('hello\r\n0\r\n');
    expect((await logs.info(id))?.end).toMatchObject({ state: 'failed', exitCode: 3 });
    await close();
  });

  it('starts nothing, and keeps nothing, where the run is not taken', async () => {
    const { url, close } = await server();
    expect(
      await pushing(['--push', url, '--', 'echo', 'started'], { SIGNALBOX_PUSH_TOKEN: 'x' }),
    ).toMatchObject({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringMatching(/bearer token is a wrong one/),
    });
    await pushing(['--push', url, '--name', 'a', '--dir', 'one', '--', 'true']);
    expect(
      await pushing(['--push', url, '--name', 'a', '--dir', 'two', '--', 'echo', 'started']),
    ).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/another run of the name a/),
    });
    expect(await names()).toEqual([]);
    await close();
  });

  it('sends later what is kept here, as the same run, whatever became of its process', async () => {
    const { logs, url, close } = await server();
    await signalbox('--name', 'done', '--', 'echo', 'hello');
    const store = await openFileRunLogs({ folder: join(cwd, 'signalbox-runs'), clock: { now: Date.now } });
    await store.create('cut');
    await store.append('cut', 0, Buffer.from('half a'));
    expect(await pushing(['--push', url, '--resume', 'cut'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/another process|is written by/i),
    });
    await store.close();
    for (const name of ['done', 'cut', 'cut'])
      expect(await pushing(['--push', url, '--resume', name])).toMatchObject({
        exitCode: 0,
        stderr: expect.stringMatching(new RegExp(`${name} has been sent, all \\d bytes`)),
      });
    expect((await readAll(logs, 'line-3~push~done')).bytes.toString()).toBe('hello\r\n');
    expect((await logs.info('line-3~push~cut'))?.end).toMatchObject({ state: 'lost', exitCode: null });
    await close();
  });

  it.each([
    [
      ['--push', 'signalbox.example.com', '--', 'true'],
      /--push is "signalbox.example.com": expected Signalbox's address/,
    ],
    [
      ['--push', 'http://127.0.0.1:1', '--token-env', 'NOWHERE', '--', 'true'],
      /expected NOWHERE in the environment/,
    ],
    [
      ['--push', 'http://127.0.0.1:1', '--resume', 'a', '--', 'true'],
      /--resume sends a log that is kept here/,
    ],
    [['--resume', 'a'], /--resume sends a log that is kept here/],
    [
      ['--push', 'http://127.0.0.1:1', '--name', 'a~b', '--', 'true'],
      /a~b is not a name for a run that is pushed/,
    ],
  ])('says what is wrong with its flags: %j', async (args, words) => {
    expect(await pushing(args)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(words) });
  });
});
