/** Several instances' calls to Slack, on a sandbox that counts as Slack does, and on budgets that they share. */
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type SlackSandbox, startSlackSandbox } from '#sandbox';
import { DEMO_WORKSPACE } from '../../src/demo/workspace.ts';
import type { Budgets } from '../../src/ports/budgets.ts';
import { slackFetch } from '../../src/slack/answers.ts';
import { SlackApi } from '../../src/slack/api.ts';
import { CallBudgets, isTurnTaken, type PacedMethod } from '../../src/slack/call-budgets.ts';
import { MethodBudgets } from '../../src/slack/method-budgets.ts';
import { PER_MINUTE } from '../../src/slack/method-quotas.ts';
import { PostBudget } from '../../src/slack/post-budget.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { testFolder } from '../fixtures/test-folder.ts';
import { slackClient } from './sandbox-client.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5, 12);

let sandbox: SlackSandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** A clock that stands while anything is under way, and goes on to whoever sleeps for the shortest time. */
function standingClock() {
  let now = START;
  let asking = 0;
  const asleep: { at: number; wake: () => void }[] = [];
  return {
    clock: { now: () => now },
    sleep: (ms: number): Promise<void> =>
      new Promise((wake) => {
        asleep.push({ at: now + ms, wake });
      }),
    /** Time stands until Slack has answered. */
    asking: (async (...asked) => {
      asking += 1;
      try {
        return await slackFetch(...asked);
      } finally {
        asking -= 1;
      }
    }) as typeof fetch,
    /** Ends when all of them have. */
    run: async (all: readonly (() => Promise<void>)[]): Promise<void> => {
      let running = true;
      const ended = Promise.all(all.map((work) => work())).finally(() => {
        running = false;
      });
      while (running) {
        for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        if (asking > 0 || asleep.length === 0) continue;
        asleep.sort((a, b) => a.at - b.at);
        const next = asleep.shift()!;
        now = Math.max(now, next.at);
        next.wake();
      }
      await ended;
    },
  };
}

async function slackWith(clock: { now(): number }): Promise<SlackSandbox> {
  sandbox = await startSlackSandbox({
    dataDir: testFolder('quotas'),
    manifestPath: 'manifest.yml',
    world: DEMO_WORKSPACE,
    rateLimits: true,
    clock,
  });
  return sandbox;
}

const INSTANCES = 3;
/** Calls that wait at the same time in each: more than the fastest tier allows together. */
const AT_ONCE = 15;
const MINUTES = 4;

describe('three instances together', () => {
  it.each(Object.entries(PER_MINUTE))(
    'are refused no %s, and make at least nine tenths of the %s calls a minute that Slack allows',
    async (method, perMinute) => {
      const { clock, sleep, asking, run } = standingClock();
      const { apiUrl, botToken } = await slackWith(clock);
      const budgets = new InProcessBudgets(clock);
      const end = START + MINUTES * MINUTE;
      const statuses = new Map<number, number>();
      const counting: typeof fetch = async (...asked) => {
        const response = await asking(...asked);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        return response;
      };
      const worker = (call: (next: typeof fetch) => Promise<unknown>) => async (): Promise<void> => {
        while (clock.now() < end) await call(counting);
      };
      const ask = (next: typeof fetch) =>
        next(`${apiUrl}${method}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${botToken}`, 'content-type': 'application/json' },
          body: '{}',
        });
      const instances = Array.from({ length: INSTANCES }, () => {
        const calls = new CallBudgets({ budgets, clock, sleep });
        const methods = new MethodBudgets({ budgets, clock, sleep });
        return async (next: typeof fetch): Promise<unknown> =>
          isTurnTaken(method)
            ? calls.call(method as PacedMethod, () => ask(next))
            : ask(methods.paced(next, MINUTES * MINUTE * 2));
      });
      await run(instances.flatMap((call) => Array.from({ length: AT_ONCE }, () => worker(call))));
      expect([...statuses.keys()]).toEqual([200]);
      expect(statuses.get(200)).toBeGreaterThanOrEqual(0.9 * perMinute * MINUTES);
    },
  );

  it('post no more in a channel than Slack takes, notifications and answers together, and people are first', async () => {
    const { clock, sleep, asking, run } = standingClock();
    const { apiUrl, botToken } = await slackWith(clock);
    const budgets = new InProcessBudgets(clock);
    const end = START + MINUTE;
    let refused = 0;
    const posted = { person: 0, notification: 0 };
    const post = async (purpose: 'person' | 'notification'): Promise<void> => {
      const { status } = await asking(`${apiUrl}chat.postMessage`, {
        method: 'POST',
        headers: { authorization: `Bearer ${botToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ channel: 'C0LINE3', text: purpose }),
      });
      if (status === 429) refused += 1;
      else posted[purpose] += 1;
    };
    let longest = 0;
    const worker = (purpose: 'person' | 'notification', every: number) => async (): Promise<void> => {
      const shared = new PostBudget(budgets);
      while (clock.now() < end) {
        if (every > 0) await sleep(every);
        const since = clock.now();
        for (;;) {
          const wait = await shared.tryTake('C0LINE3', purpose);
          if (wait === 0) break;
          await sleep(Math.ceil(wait));
        }
        if (purpose === 'person') longest = Math.max(longest, clock.now() - since);
        await post(purpose);
      }
    };
    // One sender of notifications that never ends, and somebody at each instance who asks now and then.
    await run([
      worker('notification', 0),
      worker('person', 7_000),
      worker('person', 7_000),
      worker('person', 7_000),
    ]);
    expect(refused).toBe(0);
    expect(posted.person + posted.notification).toBeGreaterThanOrEqual(54);
    expect(posted.person).toBeGreaterThanOrEqual(20);
    // Three ask at once, and one may always be answered.
    expect(longest).toBeLessThanOrEqual(2_000);
  });
});

/** Says how it was asked; there is always some. */
function told(): Budgets & { taken: string[]; left: number[]; held: [string, number][] } {
  const [taken, left, held] = [[] as string[], [] as number[], [] as [string, number][]];
  return {
    ...{ taken, left, held },
    take: async (name, _, options = {}) => {
      taken.push(name);
      left.push(options.left ?? 0);
      return { taken: options.want ?? 1, wait: 0 };
    },
    hold: async (name, ms) => void held.push([name, ms]),
  };
}

describe('a call to Slack', () => {
  const clock = { now: () => Date.now() };
  const logger = pino({ level: 'silent' });
  async function api(budgets: Budgets, inBackground = false): Promise<SlackApi> {
    const { apiUrl, botToken } = await slackWith(clock);
    return new SlackApi({ botToken, apiUrl, logger, budgets, clock, inBackground });
  }

  it('takes of the budget that all instances share, whoever makes it, and the background leaves some for people', async () => {
    for (const inBackground of [false, true]) {
      const budgets = told();
      const { directory, clients } = await api(budgets, inBackground);
      await directory.isInChannel('U0ADA', 'C0LINE3');
      await clients.outbox.conversations.info({ channel: 'C0LINE3' });
      await clients.start.auth.test();
      expect(budgets.taken).toEqual(['slack/conversations.members', 'slack/conversations.info']);
      expect(budgets.left.every((left) => left > 0)).toBe(inBackground);
      await sandbox!.close();
    }
    sandbox = undefined;
  });

  it('that Slack refuses is refused to all for as long as Slack says, and is made again once that is over', async () => {
    const budgets = told();
    const { directory } = await api(budgets);
    await fault('conversations.members', '429');
    expect(await directory.isInChannel('U0ADA', 'C0LINE3')).toBe(true);
    expect(budgets.held).toEqual([['slack/conversations.members', 1_000]]);
  });

  it('that would wait too long is refused here as Slack would, without a call and without holding up others', async () => {
    const budgets = new InProcessBudgets(clock);
    await budgets.hold('slack/conversations.members', 30_000);
    const { directory, clients } = await api(budgets);
    await expect(directory.isInChannel('U0ADA', 'C0LINE3')).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 30_000,
    });
    // The same client.
    await clients.interactive.conversations.info({ channel: 'C0LINE3' });
  });

  it('is made at once where no budget can be asked', async () => {
    const down = () => Promise.reject(new Error('the database is down'));
    const { directory } = await api({ take: down, hold: down });
    expect(await directory.isInChannel('U0ADA', 'C0LINE3')).toBe(true);
  });

  const fault = (on: string, kind: string) =>
    slackClient(sandbox!.url).post('/sandbox/faults', { on, kind, seconds: 1 });
});
