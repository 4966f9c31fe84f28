import { webApi } from '@slack/bolt';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import type { SlackClients } from '../../src/slack/clients.ts';
import { slackCall } from '../../src/slack/errors.ts';
import { SlackFiles } from '../../src/slack/files.ts';
import { OnceOnly, once } from '../../src/slack/once.ts';
import { callBudgets } from '../fixtures/call-budgets.ts';

const STOPPED = new AppError('unavailable', 'Signalbox is restarting.');

describe('[L4] asked to end after an answer was lost', () => {
  const lose = (ended: AbortController) => async (): Promise<string> => {
    ended.abort(STOPPED);
    throw new Error('socket hang up');
  };

  it('looks first, and says that it is done', async () => {
    const ended = new AbortController();
    const done = once({ call: lose(ended), check: async () => 'there', signal: ended.signal });
    expect(await done).toBe('there');
  });

  it('ends with the reason where it was not done, and tries no more', async () => {
    const ended = new AbortController();
    let looks = 0;
    const check = async (): Promise<undefined> => {
      looks += 1;
    };
    await expect(once({ call: lose(ended), check, signal: ended.signal })).rejects.toBe(STOPPED);
    expect(looks).toBe(1);
  });
});

it.each([
  [1, 2, 'opened'],
  [2, 1, 'Slack asks us to slow down.'],
  [30, 1, 'Slack asks us to slow down.'],
])(
  'a window that Slack asks to open %i s later is tried %i times, for its trigger lives three',
  async (seconds, tries, end) => {
    let calls = 0;
    const open = async () => {
      calls += 1;
      if (calls === 1) throw new webApi.WebAPIRateLimitedError(seconds);
      return { view: { id: 'opened' } };
    };
    const clients = { once: { views: { open } }, interactive: {} } as unknown as SlackClients;
    const opened = slackCall('opening a window', () =>
      new OnceOnly(clients, pino({ level: 'silent' })).openWindow('open', 'trigger', {
        type: 'modal',
        title: { type: 'plain_text', text: 'A' },
        blocks: [],
      }),
    );
    expect(await opened.catch((error: AppError) => error.message)).toBe(end);
    expect(calls).toBe(tries);
  },
);

it('[O5] an upload ends when it is asked to, though Slack gives no address to upload to', async () => {
  const ended = new AbortController();
  const silent = { files: { getUploadURLExternal: () => new Promise(() => {}) } };
  const clients = { uploads: silent, once: silent, interactive: silent } as unknown as SlackClients;
  const delivered = new SlackFiles(clients, callBudgets(), pino({ level: 'silent' })).deliver(
    { files: [{ path: '/nowhere', name: 'a.log', title: 'a.log', bytes: 1 }], channel: 'C1', comment: '' },
    { signal: ended.signal },
  );
  ended.abort(STOPPED);
  await expect(delivered).rejects.toBe(STOPPED);
});
