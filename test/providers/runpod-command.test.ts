import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type PodEnd, podArgs, readMark } from '../../src/providers/runpod-command.ts';

const runs: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'pod-'));
const output = join(folder, 'sub/training_output.log');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const run of runs.splice(0))
    for (const name of readdirSync('/tmp').filter((one) => one.startsWith(`signalbox-${run}`)))
      rmSync(`/tmp/${name}`, { force: true });
});

/** Runs a pod's start command as a container would, until it waits to be deleted, or has exited. */
async function pod(
  command: readonly string[],
  how: { seconds?: number; stopAt?: string; run?: string; shell?: string } = {},
): Promise<{ lines: string[]; end: PodEnd; exit: number | null }> {
  const run = how.run ?? randomUUID().slice(0, 8);
  runs.push(run);
  const { entrypoint, cmd } = JSON.parse(podArgs(command)) as { entrypoint: string[]; cmd: string[] };
  const [program, ...args] = [...entrypoint, ...cmd];
  const child = spawn(how.shell ?? program!, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH ?? '',
      SIGNALBOX_RUN: run,
      SIGNALBOX_OUTPUT: output,
      ...(how.seconds === undefined ? {} : { SIGNALBOX_MAX_SECONDS: String(how.seconds) }),
    },
  });
  const gone = once(child, 'exit');
  let text = '';
  let end: PodEnd = {};
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (how.stopAt !== undefined && text.includes(how.stopAt)) {
      how.stopAt = undefined;
      child.kill('SIGTERM');
    }
    for (const line of text.split('\n').slice(0, -1)) end = readMark(line, run, end);
    if (end.code !== undefined) break;
  }
  if (!end.stopped) process.kill(-child.pid!, 'SIGKILL');
  const [exit] = (await gone) as [number | null];
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // All of it is gone.
  }
  return { lines: text.split('\n').filter((line) => line !== ''), end, exit };
}

describe('the start command of a pod', () => {
  it('prints what the command prints, with errors, and then its exit code', async () => {
    const { lines, end } = await pod(['sh', '-c', 'echo out; echo err >&2; printf "no end"; exit 7']);
    expect(lines.slice(0, 2)).toEqual(['out', 'err']);
    expect(lines[2]).toMatch(/^no end\[signalbox [0-9a-f]{8}\] exit 7$/);
    expect(end).toEqual({ code: 7 });
    expect(readFileSync(output, 'utf8')).toContain('out\nerr\nno end');
    expect((await pod(['true'])).end).toEqual({ code: 0 });
    expect((await pod(['no-such-program-here'])).end).toEqual({ code: 127 });
  });

  it('is the same in every shell that is here', async () => {
    for (const shell of ['/bin/dash', '/bin/bash'])
      expect((await pod(['sh', '-c', 'exit 3'], { shell })).end).toEqual({ code: 3 });
  });

  it('gives the command its arguments as they are, whatever they contain', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc
            .array(fc.constantFrom('a', ' ', '"', "'", '$(id)', '`id`', '$HOME', '\\', '*', ';', '\t', 'é'))
            .map((parts) => parts.join('')),
          { minLength: 1, maxLength: 4 },
        ),
        async (values) => {
          const { lines } = await pod(['printf', '<%s>\n', ...values]);
          expect(lines.slice(0, -1)).toEqual(values.map((value) => `<${value}>`));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('ends the command when its time is up, and says that', async () => {
    const { end } = await pod(['sh', '-c', 'trap "kill \\$!; exit 4" TERM; sleep 30 & wait'], { seconds: 1 });
    expect(end).toEqual({ code: 4, limit: true });
  });

  it('passes a stop of the pod on, says so, and exits itself', async () => {
    const script = 'trap "kill \\$!; echo saved; exit 0" TERM; echo ready; sleep 30 & wait';
    const { lines, end, exit } = await pod(['sh', '-c', script], { stopAt: 'ready' });
    expect(lines[1]).toBe('saved');
    expect(end).toEqual({ code: 0, stopped: true });
    expect(exit).toBe(0);
  });

  it('does not run the command again in a container that was started anew', async () => {
    const run = randomUUID().slice(0, 8);
    expect((await pod(['sh', '-c', 'echo once; exit 2'], { run })).lines).toHaveLength(2);
    expect((await pod(['sh', '-c', 'echo once; exit 2'], { run })).lines).toEqual([
      `[signalbox ${run}] exit 2`,
    ]);
  });

  it('is not fooled by what the command prints, unless it knows the run', () => {
    expect(readMark('[signalbox abc] exit 0', 'other', {})).toEqual({});
    expect(readMark('[signalbox abc] exit 0 ', undefined, {})).toEqual({});
    expect(readMark('[signalbox abc] exit 1000', 'abc', {})).toEqual({});
    expect(readMark('loss 0.1[signalbox abc] exit 137\r', 'abc', { limit: true })).toEqual({
      code: 137,
      limit: true,
    });
  });
});
