/** Who goes first when thousands wait: by a clock that only the outbox's own pauses move on. */
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { OutboxRecord, OutboxStore } from '../../src/ports/outbox-store.ts';
import type { WebClient } from '../../src/slack/clients.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { Turns } from '../../src/slack/outbox-turns.ts';
import { editBudget } from '../fixtures/edit-budget.ts';

const START = Date.UTC(2026, 0, 5, 12);
const ALERTS = 'C0ALERTS';

interface Told {
  text: string;
  /** Seconds after the beginning. */
  at: number;
}

function inMemory(): OutboxStore {
  const posts = new Map<string, OutboxRecord>();
  return {
    getPost: async (key) => posts.get(key),
    changePost: async (key, change) => {
      const after = change(posts.get(key));
      if (after) posts.set(key, after);
      return after;
    },
    listUnsent: async () => [...posts.values()].filter(({ message }) => message !== undefined),
    listDeadChannels: async () => [],
    changeDeadChannel: async () => undefined,
  };
}

/** One channel, Slack's pace, no time but that which the pauses take. */
function quietOutbox(): { outbox: Outbox; told: Told[]; now(): number } {
  let now = START;
  const told: Told[] = [];
  const clock = { now: () => now };
  const client = {
    chat: {
      postMessage: async ({ channel, text }: { channel: string; text: string }) => {
        told.push({ text, at: (now - START) / 1000 });
        return { ok: true, channel, ts: `${told.length}.0` };
      },
    },
  } as unknown as WebClient;
  const sleep = async (ms: number): Promise<void> => {
    now += ms;
  };
  const outbox = new Outbox({
    client,
    store: inMemory(),
    clock,
    log: pino({ level: 'silent' }),
    admins: () => [],
    edits: editBudget({ clock, sleep }),
    sleep,
  });
  return { outbox, told, now: () => now };
}

const post = (
  outbox: Outbox,
  name: string,
  options: { family: string; urgent?: boolean },
): Promise<boolean> => outbox.post(name, ALERTS, { text: name }, options);

describe('[N7] a flood', () => {
  it.each([
    ['alerts of another kind', { family: 'alert line-3 deployment', urgent: true }],
    ['calls', { family: 'call line-3 deployment', urgent: true }],
    ['announcements', { family: 'said line-3 deployment' }],
  ])('of 3,000 %s holds a real alert up for no more than 10 s', async (_what, options) => {
    const { outbox, told } = quietOutbox();
    for (let n = 0; n < 3_000; n += 1) await post(outbox, `flood ${n}`, options);
    await post(outbox, 'real', { family: 'alert line-3 training', urgent: true });
    await outbox.start();
    await expect.poll(() => told.length).toBeGreaterThan(20);
    expect(told.find(({ text }) => text === 'real')!.at).toBeLessThanOrEqual(10);
    await outbox.stop();
  });

  it('that goes on holds no later real alert up either', async () => {
    const { outbox, told, now } = quietOutbox();
    await outbox.start();
    let asked = 0;
    for (let n = 0; n < 300; n += 1) {
      await post(outbox, `flood ${n}`, { family: 'alert line-3 deployment', urgent: true });
      if (n !== 200) continue;
      asked = (now() - START) / 1000;
      await post(outbox, 'real', { family: 'alert line-3 training', urgent: true });
    }
    await outbox.drain();
    const real = told.find(({ text }) => text === 'real')!;
    expect(real.at - asked).toBeLessThanOrEqual(10);
    expect(new Set(told.map(({ text }) => text)).size).toBe(301);
    expect(told).toHaveLength(301);
    await outbox.stop();
  });

  it('property: every family has its turn, urgent ones first, and within a family the first come', () => {
    const record = fc.record({ family: fc.constantFrom('a', 'b', 'c', 'd'), urgent: fc.boolean() });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (given) => {
        const turns = new Turns();
        const waiting = given.map(
          ({ family, urgent }, n) => ({ key: `${n}`, family, ...(urgent ? { urgent } : {}) }) as OutboxRecord,
        );
        const served: OutboxRecord[] = [];
        while (waiting.length > 0) {
          const next = turns.next(waiting)!;
          const passed = waiting.slice(0, waiting.indexOf(next));
          // Nobody of the same rank and family is passed over, and nobody urgent for one that is not.
          expect(passed.filter((one) => one.family === next.family && one.urgent === next.urgent)).toEqual(
            [],
          );
          if (!next.urgent) expect(waiting.some(({ urgent }) => urgent)).toBe(false);
          turns.served(next);
          waiting.splice(waiting.indexOf(next), 1);
          served.push(next);
        }
        expect(served).toHaveLength(given.length);
        // A family that has an urgent one waiting has it within a round of all families.
        const urgent = served.filter((one) => one.urgent);
        const families = new Set(urgent.map(({ family }) => family));
        const firsts = [...families].map((family) => urgent.findIndex((one) => one.family === family));
        expect(Math.max(-1, ...firsts)).toBeLessThan(Math.max(1, families.size));
      }),
      { numRuns: 300 },
    );
  });
});
