/** The built program as the bot of a sandbox, in a process of its own, and somebody at the sandbox's Slack. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SandboxMessage } from '#sandbox';
import { type DemoSandbox, sandboxVariables } from '../src/demo/sandbox.ts';

export const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** @param home where it works; nothing of the person who measures reaches it */
export function environment(sandbox: DemoSandbox, home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    NODE_NO_WARNINGS: '1',
    ...sandboxVariables(sandbox),
  };
}

/** @returns once it is ready. @throws Error with the end of its log */
export async function startBot(sandbox: DemoSandbox, home: string): Promise<ChildProcess> {
  const bot = spawn(process.execPath, [CLI, 'start'], {
    cwd: home,
    env: environment(sandbox, home),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    let log = '';
    bot.stderr!.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-2000);
      if (log.includes('"ready"')) resolve();
    });
    bot.once('exit', () => reject(new Error(`The bot did not start:\n${log}`)));
  });
  return bot;
}

/** @param path below the sandbox's Slack: `messages?channel=C0LINE3` */
export async function slack(
  sandbox: DemoSandbox,
  path: string,
  body?: unknown,
): Promise<{ messages?: SandboxMessage[] }> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const url = `${sandbox.url}/sandbox/slack/${path}`;
  return (await (await fetch(url, body === undefined ? {} : init)).json()) as object;
}
