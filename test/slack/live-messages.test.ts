import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WebClient } from '../../src/slack/clients.ts';
import type { EditBudget } from '../../src/slack/edit-budget.ts';
import { LiveMessages } from '../../src/slack/live-messages.ts';
import type { OnceOnly } from '../../src/slack/once.ts';
import { callBudgets } from '../fixtures/call-budgets.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

let time: ReturnType<typeof handTimers>;
let edits: EditBudget;
let shown: string[];
let message: ReturnType<LiveMessages['follow']>;

beforeEach(() => {
  time = handTimers();
  shown = [];
  edits = editBudget({
    clock: time.clock,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        time.after(ms, () => resolve(undefined));
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  });
  const client = { chat: { update: async ({ text }: { text: string }) => void shown.push(text) } };
  message = new LiveMessages({
    client: client as unknown as WebClient,
    once: {} as OnceOnly,
    calls: callBudgets({ clock: time.clock }),
    ...{ edits, log: pino({ level: 'silent' }) },
  }).follow('C1', '1');
});

/** What is left for progress is used up. */
async function spend(): Promise<void> {
  while ((await edits.tryTake('progress')) === 0);
}

describe('a message that keeps changing', () => {
  it('shows progress when its turn comes, the newest only', async () => {
    await spend();
    for (const text of ['10 %', '20 %', '30 %']) message.edit({ text });
    await time.advance(100);
    expect(shown).toEqual([]);
    await time.advance(5_000);
    expect(shown).toEqual(['30 %']);
  });

  it('shows at once what somebody waits for, also where progress was waiting for its turn', async () => {
    await spend();
    message.edit({ text: '10 %' });
    await time.advance(100);
    message.edit({ text: '10 %, last lines' }, 'awaited');
    await time.advance(0);
    expect(shown).toEqual(['10 %, last lines']);
    message.edit({ text: '20 %, last lines' });
    await time.advance(0);
    expect(shown).toHaveLength(1);
    await time.advance(5_000);
    expect(shown).toEqual(['10 %, last lines', '20 %, last lines']);
  });

  it('shows newer progress in place of what somebody waited for, and no later than that', async () => {
    await spend();
    while ((await edits.tryTake('person')) === 0);
    message.edit({ text: 'last lines' }, 'awaited');
    message.edit({ text: '20 %, last lines' });
    await time.advance(1_400);
    expect(shown).toEqual(['20 %, last lines']);
  });
});
