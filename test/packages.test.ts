/** Both packages as somebody gets them: packed, installed in an empty folder, offline, and used. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childEnvironment } from '../src/config.ts';
import { endProcess } from './fixtures/end-process.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
/** Nothing that a published package must bring. */
const LARGEST_MB = 12;

let folder: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'));
  await run(process.execPath, [join(root, 'sandbox/scripts/build.mjs')]);
});
afterEach(async () => {
  for (const child of running.splice(0)) await endProcess(child, 'SIGTERM');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @returns the empty folder that the package was installed in */
async function installed(name: string, from: string): Promise<string> {
  const home = join(folder, name);
  await mkdir(home);
  // `npm test` has built it; what would build it again is left out.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', home], {
    cwd: from,
  });
  const packed: unknown = JSON.parse(stdout);
  const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as [
    { filename: string },
  ];
  await writeFile(join(home, 'package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${filename}`], { cwd: home });
  return home;
}

async function sizeOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map(async (file) => (await stat(file)).size))).reduce((a, b) => a + b, 0);
}

/** Starts a program. @returns its first line that fits, with what the pattern caught */
async function lineOf(pattern: RegExp, home: string, command: string, ...args: string[]): Promise<string[]> {
  const child = spawn(command, args, {
    cwd: home,
    env: childEnvironment({ NODE_OPTIONS: undefined }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for await (const text of createInterface({ input: child.stdout! })) {
    const found = pattern.exec(text);
    if (found) return found;
    said += `${text}\n`;
  }
  throw new Error(`It ended without ${pattern}:\n${said}`);
}

async function typed(url: string, command: string, text: string, channel: string, user: string) {
  const answer = await fetch(`${url}/sandbox/slack/command`, {
    method: 'POST',
    body: JSON.stringify({ user, channel, command, text }),
  });
  return (await answer.json()) as Record<string, unknown>;
}

describe('the bot’s package, installed in an empty folder', () => {
  it('brings nothing else with it, runs its program, and its demo answers a command', async () => {
    const home = await installed('signalbox', root);
    // Terminals for runs are optional: there where npm could get them.
    const brought = (await readdir(join(home, 'node_modules'))).filter((name) => !name.startsWith('.'));
    expect(brought.filter((name) => name !== '@lydell')).toEqual(['signalbox']);
    expect(await sizeOf(join(home, 'node_modules'))).toBeLessThan(LARGEST_MB * 1_000_000);
    expect(await readdir(join(home, 'node_modules/signalbox/dist/viewer'))).toEqual(
      expect.arrayContaining(['assets', 'index.html', 'licenses.md']),
    );
    const bin = join(home, 'node_modules/.bin/signalbox');
    const { stdout } = await run(bin, ['--help'], { cwd: home });
    expect(stdout).toContain('Usage: signalbox');
    const [, url = ''] = await lineOf(
      /^Sandbox ready: (\S+)$/,
      home,
      bin,
      'demo',
      '--port',
      '0',
      '--data',
      'd',
    );
    expect(await (await fetch(url)).text()).toContain('<div id="root">');
    expect(await typed(url, '/logs', 'defects-resnet50', '#line-3', 'ada')).toMatchObject({ ok: true });
    // Its trainings came with it, and run.
    const logs = join(home, 'd/runner/runner-data/logs');
    await expect
      .poll(
        async () => {
          const [run] = await readdir(logs);
          return await readFile(join(logs, run!, '0000000000000000.log'), 'utf8');
        },
        { timeout: 60_000 },
      )
      .toMatch(/Epoch +1\/\d+: +\d+%/);
  });
});

describe('the sandbox’s package, installed in an empty folder', () => {
  let home: string;
  beforeAll(async () => {
    home = await installed('signalbox-sandbox', join(root, 'sandbox'));
  });

  it('brings nothing else with it, and its command serves the page and AWS', async () => {
    expect((await readdir(join(home, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
      'signalbox-sandbox',
    ]);
    expect(await sizeOf(join(home, 'node_modules'))).toBeLessThan(LARGEST_MB * 1_000_000);
    const bin = join(home, 'node_modules/.bin/signalbox-sandbox');
    const [, url = ''] = await lineOf(/^Sandbox ready: (\S+)$/, home, bin);
    expect(await (await fetch(url)).text()).toContain('<div id="root">');
    const wrong = await run(bin, ['--port', 'many']).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--port must be a number') });
  });

  it('runs the Bolt app of its README', async () => {
    const readme = await readFile(join(home, 'node_modules/signalbox-sandbox/README.md'), 'utf8');
    const app = /```js\n(import bolt.*?)```/s.exec(readme)?.[1];
    await writeFile(join(home, 'app.js'), app!);
    // Bolt as it is here already.
    await symlink(join(root, 'node_modules/@slack'), join(home, 'node_modules/@slack'));
    const [, url = ''] = await lineOf(/^Open (http\S+),/, home, process.execPath, 'app.js');
    expect(await typed(url, '/hello', 'you', '#general', 'ann')).toMatchObject({ ok: true });
    const told = await fetch(`${url}/sandbox/slack/messages?channel=general&contains=Hello&wait=10`);
    expect(await told.json()).toMatchObject({ messages: [{ text: 'Hello, you!' }] });
  });

  it('has types that a strict program compiles with', async () => {
    await writeFile(
      join(home, 'consumer.ts'),
      `import { type Sandbox, startSandbox } from 'signalbox-sandbox';
import { LIMITS, validateBlocks } from 'signalbox-sandbox/block-kit';
import { type AwsWorld, lazySeries, steadySchedule } from 'signalbox-sandbox/seeds';
const awsWorld: AwsWorld = { accounts: [{ id: '111122223333' }] };
const sandbox: Sandbox = await startSandbox({ dataDir: 'd', awsWorld });
const problems: string[] = validateBlocks([], 'message').map(({ message }) => message);
export const all: [string, number, string[], unknown] = [sandbox.url, LIMITS.header.text, problems, [lazySeries, steadySchedule]];
// @ts-expect-error no such option
await startSandbox({ dataDir: 'd', nothing: 1 });
`,
    );
    const { stdout } = await run(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--ignoreConfig'],
        ...['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node', 'consumer.ts'],
      ],
      { cwd: home },
    ).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
