/**
 * From a process's print to a viewer, with everything in between that may go: the bot is killed -9, viewers lose their
 * connection, bytes come in pieces of any size. Real files, real HTTP, the bot in a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RunPush } from '../../src/runs/push-client.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';
import { PUSH_TOKEN } from '../fixtures/push-server.ts';
import { chunkOf, ENDED, sentEvents } from '../http/run-log-house.ts';

const BOT = join(import.meta.dirname, '../fixtures/run-log-bot.ts');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-killed-bot-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Killed when so many events were seen, and started again on the same folder and port. */
class Bot {
  port = 0;
  kills = 0;
  /** Resolves while it serves. */
  up: Promise<void>;
  #child: ChildProcess | undefined;
  #events = 0;
  readonly #killAt: number[];

  constructor(killAt: readonly number[]) {
    this.#killAt = [...killAt].sort((a, b) => a - b);
    this.up = this.#start();
  }

  saw(): void {
    this.#events += 1;
    if (this.#killAt[0] === undefined || this.#events < this.#killAt[0]) return;
    this.#killAt.shift();
    this.up = this.up.then(async () => {
      await this.kill();
      this.kills += 1;
      await this.#start();
    });
  }

  async #start(): Promise<void> {
    const args = ['--import', 'tsx', BOT, folder, String(this.port)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    this.port = Number(value);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

interface Plan {
  /** What the process prints, in the pieces in which it does. */
  pieces: readonly (Uint8Array | { flood: number })[];
  /** Events after which a viewer's connection breaks, one after the other. */
  breaks: readonly number[];
}

/** Reads to the end of the run, coming again by the last id each time. */
async function view(bot: Bot, run: string, { breaks }: Plan): Promise<Buffer> {
  const parts: Buffer[] = [];
  let at = 0;
  const left = [...breaks];
  for (;;) {
    await bot.up;
    const url = `http://127.0.0.1:${bot.port}/runs/${run}/logs/stream`;
    const headers = { 'last-event-id': String(at) };
    let events = 0;
    const breakAfter = left.shift() ?? Number.POSITIVE_INFINITY;
    try {
      const answer = await fetch(url, { headers });
      if (answer.status !== 200) throw new Error(await answer.text());
      for await (const event of sentEvents(answer.body!)) {
        bot.saw();
        if (event.event === 'done') {
          expect(event.data).toMatchObject({ exit_code: 0, final_size: at, state: 'completed' });
          return Buffer.concat(parts);
        }
        if (event.event === 'log') {
          const chunk = chunkOf(event);
          expect(Number(event.id)).toBe(at + chunk.length);
          at += chunk.length;
          parts.push(chunk);
        }
        events += 1;
        if (events >= breakAfter) break;
      }
    } catch (error) {
      // The bot went away in the middle.
      if (!(error instanceof TypeError)) throw error;
      await nextTurn();
    }
  }
}

/** One run from its first byte to its end, and two who watch it. */
async function live(bot: Bot, name: string, plan: Plan): Promise<void> {
  const here = new MemoryRunLogs();
  await here.create(name);
  await bot.up;
  const push = new RunPush({
    ...{ url: `http://127.0.0.1:${bot.port}/`, token: PUSH_TOKEN, name, key: name, logs: here, id: name },
    onNote: () => undefined,
    retryAfter: [1, 50],
  });
  while (!(await push.begin())) await bot.up;
  const sending = push.run();
  const run = `line-3~push~${name}`;
  const printed = plan.pieces.map((one) => ('flood' in one ? numberedBytes(0, one.flood) : one));
  const views = [view(bot, run, plan), view(bot, run, { ...plan, breaks: [...plan.breaks].reverse() })];
  let offset = 0;
  for (const piece of printed) {
    await bot.up;
    await here.append(name, offset, piece);
    offset += piece.length;
    await nextTurn();
  }
  await here.finish(name, ENDED);
  expect(await sending).toEqual({ kind: 'sent' });
  for (const seen of await Promise.all(views)) expect(seen.equals(Buffer.concat(printed))).toBe(true);
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\r', '\n', '\u001b[2K', 'é', '学').map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 90_000 }).map((flood) => ({ flood })) },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  pieces: fc.array(piece, { maxLength: 25 }),
  breaks: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
});

it('[W2, W3] what viewers get is what the process printed, in order and once, however often the bot is killed', async () => {
  let kills = 0;
  let rounds = 0;
  await fc.assert(
    fc.asyncProperty(
      // Many at once, since starting a process takes longest: a hundred and more together.
      fc.array(plan, { minLength: 20, maxLength: 30 }),
      // Twenty runs without any output have forty events already: the first comes for certain.
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 4 }),
      async (plans, first, more) => {
        const bot = new Bot([first, ...more]);
        const round = rounds++;
        try {
          await Promise.all(plans.map((one, n) => live(bot, `run-${round}-${n}`, one)));
        } finally {
          await bot.up;
          kills += bot.kills;
          await bot.kill();
        }
      },
    ),
    { numRuns: 6, endOnFailure: true },
  );
  expect(kills).toBeGreaterThan(5);
}, 120_000);
