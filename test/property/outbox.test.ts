/** Messages, edits, faults of Slack and kills in any order: every message stands there once, with its last content. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import { AppError } from '../../src/ground/errors.ts';
import type { OutboxStore } from '../../src/ports/outbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { startOutboxSlack } from '../slack/outbox-slack.ts';

const log = pino({ level: 'silent' });
const CHANNELS = ['C0LINE3', 'C0ALERTS'];

/** A store that a kill cuts off: what comes afterwards reaches no disk. */
function mortal(store: Store): { store: OutboxStore; kill(): void } {
  let dead = false;
  const alive =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (dead) throw new AppError('unavailable', 'killed');
      return method(...args);
    };
  return {
    kill: () => {
      dead = true;
    },
    store: {
      getPost: alive((key) => store.getPost(key)),
      changePost: alive((key, change) => store.changePost(key, change)),
      listUnsent: alive(() => store.listUnsent()),
      listDeadChannels: alive(() => store.listDeadChannels()),
      changeDeadChannel: alive((channel, change) => store.changeDeadChannel(channel, change)),
    },
  };
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('show' as const), card: fc.nat(4), words: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reply' as const), card: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      on: fc.constantFrom(
        'chat.postMessage',
        'chat.update',
        'conversations.history',
        'conversations.replies',
      ),
      kind: fc.constantFrom(
        'lost_answer',
        'lost_page',
        'page',
        'empty',
        'drop',
        '500',
        'internal_error',
        'service_unavailable',
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), after: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose the lease' as const), after: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const) }) },
);

it('[N2] [N7] no message is lost, posted twice, or left with old content', async () => {
  const slack = await startOutboxSlack();
  const client = slack.newClient();
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        run += 1;
        const prefix = `r${run}`;
        const folder = join(slack.dir, prefix);
        let store = await openLowdbStore(folder);
        let fence = 1;
        let life = mortal(await store.under({ lease: 'watch', fence }));
        let lease = new AbortController();
        const begin = async (): Promise<Outbox> => {
          lease = new AbortController();
          const fresh = new Outbox({
            client,
            store: life.store,
            signal: lease.signal,
            clock: { now: () => Date.now() },
            log,
            admins: () => [],
            postInterval: 0,
            edits: editBudget({ clock: { now: () => Date.now() }, interval: 0 }),
            backoff: [1, 4],
          });
          await fresh.start();
          return fresh;
        };
        let outbox = await begin();
        const shown = new Map<string, string>();
        const replies = new Map<string, string>();
        for (const [n, one] of steps.entries()) {
          const text = `${prefix} ${n}`;
          switch (one.do) {
            case 'show': {
              const key = `${prefix}/card/${one.card}`;
              // Few words: it often goes back to what it said before.
              const words = `${prefix} card ${one.card} ${one.words}`;
              await outbox.show(key, CHANNELS[one.card % 2]!, { text: words });
              shown.set(key, words);
              break;
            }
            case 'reply': {
              const card = `${prefix}/card/${one.card}`;
              if (!shown.has(card)) break;
              await outbox.post(`${prefix}/reply/${n}`, CHANNELS[one.card % 2]!, { text }, { thread: card });
              replies.set(text, card);
              break;
            }
            case 'fault':
              await slack.post('/sandbox/faults', { on: one.on, kind: one.kind });
              break;
            case 'kill':
              for (let turn = 0; turn < one.after; turn++) await new Promise(setImmediate);
              life.kill();
              await outbox.stop();
              await store.close();
              store = await openLowdbStore(folder);
              life = mortal(await store.under({ lease: 'watch', fence }));
              outbox = await begin();
              break;
            case 'lose the lease': {
              for (let turn = 0; turn < one.after; turn++) await new Promise(setImmediate);
              lease.abort(new Error('the lease is lost'));
              // Nobody else has it before calls that were under way have ended (ports/coordination.ts).
              await outbox.stop();
              fence += 1;
              life = mortal(await store.under({ lease: 'watch', fence }));
              outbox = await begin();
              break;
            }
            case 'drain':
              await outbox.drain();
          }
        }
        await fetch(`${slack.sandbox.url}/sandbox/faults`, { method: 'DELETE' });
        await outbox.drain();
        expect(outbox.waiting).toBe(0);
        await outbox.stop();

        const found: SandboxMessage[] = [];
        for (const channel of CHANNELS) {
          const all = await slack.messages(channel);
          found.push(...all.filter(({ text }) => text.startsWith(`${prefix} `)));
        }
        const cards = found.filter(({ thread_ts, ts }) => thread_ts === undefined || thread_ts === ts);
        expect(cards.map(({ text }) => text).toSorted()).toEqual([...shown.values()].toSorted());
        const answers = found.filter((message) => !cards.includes(message));
        expect(answers.map(({ text }) => text).toSorted()).toEqual([...replies.keys()].toSorted());
        for (const { text, thread_ts } of answers)
          expect(cards.find(({ ts }) => ts === thread_ts)?.text).toBe(shown.get(replies.get(text)!));
        await store.close();
        await rm(folder, { recursive: true, force: true });
      }),
      { numRuns: 120 },
    );
  } finally {
    await slack.close();
  }
}, 180_000);
