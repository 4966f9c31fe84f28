import { afterEach, describe, expect, it } from 'vitest';
import { wordsOf } from './sandbox-client.ts';
import { job, startWorkspace, type TestWorkspace, type TestWorkspaceOptions } from './workspace.ts';

let team: TestWorkspace;

async function start(options?: TestWorkspaceOptions): Promise<void> {
  team = await startWorkspace(options);
  team.world.jobs = [job('train-resnet-1', 'line-3')];
}
afterEach(() => team.stop());

const fault = (body: unknown) => team.post('/sandbox/faults', body);
const ask = () => team.command('ada', 'C0LINE3', 'train-resnet-1');
const done = () => team.message('C0LINE3', 'Log of `train-resnet-1`* ·');

describe('the way in', () => {
  it('works by signed HTTP requests', async () => {
    await start({ mode: 'http' });
    expect(team.sandbox.connections).toBe(0);
    expect(await ask()).toMatchObject({ ok: true });
    expect((await done()).files).toHaveLength(1);
  });

  it('holds two sockets, so that a refresh of one loses nothing', async () => {
    await start();
    expect(team.sandbox.connections).toBe(2);
    await team.post('/sandbox/slack/socket', { do: 'refresh_requested' });
    expect(await ask()).toMatchObject({ ok: true });
    expect((await done()).files).toHaveLength(1);
  });
});

describe('the file', () => {
  it('is uploaded again, afresh, when the upload breaks half-way', async () => {
    await start();
    await fault([
      { on: 'files.upload', kind: 'drop', times: 2 },
      { on: 'files.upload', kind: '500', times: 1 },
    ]);
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
    expect(await team.files('C0LINE3')).toHaveLength(1);
  });

  it('says so when uploads go on breaking', async () => {
    await start();
    await fault({ on: 'files.upload', kind: 'drop', times: 0 });
    await ask();
    expect(wordsOf(await team.message('C0LINE3', 'broke off, again and again'))).toContain(
      'status.slack.com',
    );
    await team.idle();
  });

  it('may be shared late: the progress stays until it is there', async () => {
    await start();
    await fault({ on: 'files.completeUploadExternal', kind: 'late_share', seconds: 1 });
    await ask();
    await done();
    await team.idle();
    expect((await team.messages('C0LINE3')).filter((message) => message.files === undefined)).toEqual([]);
  });

  it('that Slack never shows is told, and no error', async () => {
    await start();
    await fault({ on: 'files.info', kind: 'internal_error', times: 0 });
    await ask();
    await team.message('C0LINE3', 'is uploaded. Slack is slow');
  });

  it.each([
    ['not_in_channel', '/invite @signalbox'],
    ['file_uploads_disabled', 'File uploads are disabled'],
    ['storage_limit_reached', 'storage of this workspace is full'],
    ['some_new_error', 'some_new_error'],
  ])('%s is worded for people', async (code, words) => {
    await start();
    await fault({ on: 'files.completeUploadExternal', kind: code });
    await ask();
    expect(wordsOf(await team.message('C0LINE3', words))).toMatch(/Reference/);
    await team.idle();
  });
});

describe('Slack’s rate limits', () => {
  it('on edits delay nothing but edits', async () => {
    await start();
    await fault({ on: 'chat.update', kind: '429', seconds: 1, times: 1 });
    await ask();
    expect((await done()).files).toHaveLength(1);
  });

  it('on every kind of call are waited out', async () => {
    await start();
    await fault(
      ['chat.postMessage', 'files.getUploadURLExternal', 'files.completeUploadExternal', 'chat.delete'].map(
        (on) => ({
          on,
          kind: '429',
          seconds: 0,
        }),
      ),
    );
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
  });

  it.each(['files.getUploadURLExternal', 'files.completeUploadExternal'])(
    '[L4] a log that is fetched is sent however often Slack refuses %s, and its message says why it takes so long',
    async (on) => {
      await start();
      await fault({ on, kind: '429', seconds: 1, times: 6 });
      await ask();
      await team.message('C0LINE3', 'Slack takes only so many files a minute');
      expect((await done()).files).toHaveLength(1);
      await team.idle();
      expect(JSON.stringify(await team.messages('C0LINE3'))).not.toMatch(/slow down|Retry/);
    },
  );

  it('[L4] a message that Slack will not remove yet is no failed download', async () => {
    await start();
    await fault({ on: 'chat.delete', kind: '429', seconds: 1, times: 6 });
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
    const about = (await team.messages('C0LINE3')).filter((one) =>
      JSON.stringify(one).includes('train-resnet-1'),
    );
    expect(about.map(({ files }) => files?.length)).toEqual([1]);
  });
});

it('an answer that the response URL does not take finds another way', async () => {
  await start();
  await fault({ on: 'response_url', kind: '500', times: 0 });
  await team.command('ada', 'C0LINE3', 'help');
  await team.message('C0LINE3', 'one file', { user: 'ada' });
});

describe.each(['lost_answer', 'lost_page'])('what was done, though its answer got lost (%s)', (kind) => {
  it('is not told as a failure: the file is there', async () => {
    await start();
    await fault({ on: 'files.completeUploadExternal', kind });
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
    expect(await team.files('C0LINE3')).toHaveLength(1);
    expect(JSON.stringify(await team.messages('C0LINE3', 'ada'))).not.toMatch(
      /refused|file_not_found|Reference/,
    );
  });

  it('is not posted twice', async () => {
    await start();
    await fault({ on: 'chat.postMessage', kind });
    await ask();
    await done();
    await team.idle();
    const about = (await team.messages('C0LINE3')).filter((one) =>
      JSON.stringify(one).includes('train-resnet-1'),
    );
    expect(about).toHaveLength(1);
  });

  it('is not opened twice, and goes on in the window that is open', async () => {
    await start();
    await fault({ on: 'views.open', kind });
    await team.command('devika', 'C0LINE3', 'train-resnet-1', '/compile');
    await team.idle();
    const views = await team.views('devika');
    expect(views).toHaveLength(1);
    // The first picture gave way to what was found out meanwhile.
    expect(JSON.stringify(views)).not.toContain('Looking at');
    expect(JSON.stringify(await team.messages('C0LINE3', 'devika'))).not.toContain('Reference');
  });
});

describe('what was done, though its answer got lost and Slack does not say of a file whether it has it', () => {
  it('is found in the channel', async () => {
    await start();
    await fault([
      { on: 'files.completeUploadExternal', kind: 'lost_answer' },
      { on: 'files.info', kind: 'missing_scope', times: 0 },
    ]);
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
    expect(await team.files('C0LINE3')).toHaveLength(1);
    expect(JSON.stringify(await team.messages('C0LINE3', 'ada'))).not.toMatch(/refused|Reference/);
  });

  it('is told as what it is, where the channel cannot be read either', async () => {
    await start();
    await fault([
      { on: 'files.completeUploadExternal', kind: 'lost_answer' },
      { on: 'files.info', kind: 'missing_scope', times: 0 },
      { on: 'conversations.history', kind: 'missing_scope', times: 0 },
    ]);
    await ask();
    const told = wordsOf(await team.message('C0LINE3', 'its answer was lost on the way'));
    expect(told).toContain('before you ask again');
    expect(told).not.toContain('file_not_found');
    await team.idle();
  });
});

describe('what was not done', () => {
  it.each(['page', 'empty', 'drop'])('is done by another try (%s)', async (kind) => {
    await start();
    await fault(
      ['chat.postMessage', 'files.getUploadURLExternal', 'files.completeUploadExternal'].map((on) => ({
        on,
        kind,
      })),
    );
    await ask();
    expect((await done()).files).toHaveLength(1);
    await team.idle();
    expect(await team.files('C0LINE3')).toHaveLength(1);
  });

  it('is told in our words, not in those of a page', async () => {
    await start();
    await fault({ on: 'files.completeUploadExternal', kind: 'page', times: 0 });
    await ask();
    const told = wordsOf(await team.message('C0LINE3', 'Something other than Slack answered'));
    expect(told).not.toContain('4711');
    await team.idle();
  });
});
