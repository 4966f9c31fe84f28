/** Who waits for an answer, as a kill at any moment would leave it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UnfinishedMessage } from '../../src/ports/unfinished-store.ts';
import { textsOf, wordsOf } from './sandbox-client.ts';
import { job, startWorkspace, type TestWorkspace } from './workspace.ts';

const CHANNEL = 'C0LINE3';
let team: TestWorkspace;
beforeEach(async () => {
  team = await startWorkspace();
  team.world.jobs = [job('train-resnet-1', 'line-3')];
});
afterEach(() => team.stop());

/** What was on record is still there to be looked at. */
const keepRecords = () =>
  vi.spyOn(team.unanswered as Map<string, UnfinishedMessage>, 'delete').mockReturnValue(true);

describe('somebody who has given a command', () => {
  it('[N1] is on record when Slack hears that it was received, until there is something to see', async () => {
    const removed = keepRecords();
    // As every answer goes on after Slack was told, this one has hardly begun.
    expect((await team.command('ada', CHANNEL, 'train-resnet-1')).ok).toBe(true);
    const [record, ...others] = team.unanswered.values();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      ...{ channel: CHANNEL, by: 'this one' },
      answer: { user: 'U0ADA', typed: '/logs train-resnet-1', responseUrl: expect.stringContaining('http') },
    });
    expect(record!.ts).toBeUndefined();
    await team.idle();
    await expect.poll(() => removed.mock.calls.map(([id]) => id)).toEqual([record!.id]);
  });

  it('is told where they asked, and nobody else sees it', async () => {
    keepRecords();
    await team.command('ada', CHANNEL, 'train-resnet-1');
    await team.idle();
    const [record] = team.unanswered.values();
    await team.slack.ports.lost.tell(record!.channel, record!.answer!);
    const told = await team.message(CHANNEL, 'Interrupted', { user: 'ada' });
    expect(wordsOf(told)).toContain('before it could answer `/logs train-resnet-1`');
    expect(told.ephemeral_to).toBe('U0ADA');
  });

  it('is told even where the response URL takes nothing any more', async () => {
    await team.slack.ports.lost.tell(CHANNEL, {
      ...{ user: 'U0ADA', typed: '/jobs' },
      responseUrl: `${team.sandbox.url}/nothing/here`,
    });
    expect((await team.message(CHANNEL, 'Interrupted', { user: 'ada' })).ephemeral_to).toBe('U0ADA');
  });

  it('is told in the window that says that something is on its way; a closed one needs no word', async () => {
    await team.command('ada', CHANNEL, 'help');
    await team.message(CHANNEL, 'one file', { user: 'ada' });
    await team.action('ada', 'logs.choose', { channel: CHANNEL });
    await expect.poll(async () => (await team.views('ada')).length).toBe(1);
    const [form] = await team.views('ada');
    await team.idle();
    const answer = { user: 'U0ADA', typed: '/logs', view: form!.id };
    await team.slack.ports.lost.tell(CHANNEL, answer);
    const [lost] = await team.views('ada');
    expect(textsOf(lost!.blocks)).toContain('stopped before this was ready');
    await team.post('/sandbox/slack/view', { user: 'ada', view_id: lost!.id, close: true });
    const before = (await team.messages(CHANNEL, 'ada')).length;
    await team.slack.ports.lost.tell(CHANNEL, answer);
    expect((await team.messages(CHANNEL, 'ada')).length).toBe(before);
  });
});
