/** The demo as a person starts it: a process with the sandbox, and the bot as its child. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { runsProcess } from '../../src/ground/processes.ts';
import { endProcess } from '../fixtures/end-process.ts';

const CLI = resolve(import.meta.dirname, '../../src/cli.ts');
const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-demo-'));

let demo: ChildProcess | undefined;
afterEach(async () => {
  await endProcess(demo, 'SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
});

describe('[O7] demo', () => {
  it('prints its lines when the bot is connected, serves a command, and ends in order on Ctrl-C', async () => {
    demo = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), CLI, 'demo', '--port', '0', '--data', dataDir],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const exit = new Promise<number | null>((done) => demo?.once('exit', done));
    let stderr = '';
    demo.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const lines: string[] = [];
    for await (const line of createInterface({ input: demo.stdout! })) {
      lines.push(line);
      if (line.startsWith('Config: ')) break;
    }
    expect(lines, stderr).toEqual([
      expect.stringMatching(/^Sandbox ready: http:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^Slack API: http:\/\/127\.0\.0\.1:\d+\/api\/$/),
      expect.stringMatching(/^AWS endpoint: http:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^RunPod API: http:\/\/127\.0\.0\.1:\d+\/v2$/),
      expect.stringMatching(/^Slack tokens: xoxb-\S+ xapp-\S+ [0-9a-f]+$/),
      expect.stringMatching(/^AWS credentials: AKIA\w+ \S+$/),
      ...['111122223333', '123456789012', '210987654321'].map((account) =>
        expect.stringMatching(new RegExp(`^AWS admin of ${account}: AKIA\\w+ \\S+$`)),
      ),
      expect.stringMatching(/^RunPod key: rpa_[0-9A-F]+$/),
      `Config: ${join(dataDir, 'signalbox.yaml')}`,
    ]);

    const url = lines[0]!.replace('Sandbox ready: ', '');

    const answer = await fetch(`${url}/sandbox/slack/command`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: 'ada', channel: '#line-3', command: '/logs', text: 'help' }),
    });
    expect(await answer.json()).toMatchObject({ ok: true });

    // Both trainings really run.
    const runs = join(dataDir, 'runner/runner-data');
    const printed = (training: string): string => {
      const [name] = existsSync(join(runs, 'logs'))
        ? readdirSync(join(runs, 'logs')).filter((one) => one.startsWith(training))
        : [];
      const path = join(runs, 'logs', name ?? '', '0000000000000000.log');
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    for (const training of ['weld-anomaly', 'press-forces'])
      await expect
        .poll(() => printed(training), { timeout: 60_000 })
        .toMatch(/\rEpoch +1\/\d+: +\d+%.*loss=/);

    demo.kill('SIGINT');
    expect(await exit).toBe(0);
    for (const name of readdirSync(join(runs, 'runs')))
      for (const file of ['capture', 'training']) {
        const { pid } = JSON.parse(readFileSync(join(runs, 'runs', name, `${file}.json`), 'utf8'));
        await expect.poll(() => runsProcess(pid, undefined)).toBe(false);
      }
    // The page's address is the first thing and the last: between them are secrets that nobody needs at first.
    expect(stderr).toMatch(/Secrets of this sandbox/);
    expect(stderr.trimEnd().split('\n').at(-1)).toContain(`Open ${url}, go to #line-3`);
    const log = readFileSync(join(dataDir, 'signalbox.log'), 'utf8');
    expect(log).toContain('"msg":"stopped"');
    expect(log).not.toMatch(/xoxb-|xapp-/);
  });
});
