import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import type { SlackClients } from '../../src/slack/clients.ts';
import { SlackFiles } from '../../src/slack/files.ts';
import { once } from '../../src/slack/once.ts';
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
