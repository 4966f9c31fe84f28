import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { HARBOR, job, LINE_3, startWorkspace, type TestWorkspace } from '../slack/workspace.ts';

let team: TestWorkspace;

beforeEach(async () => {
  team = await startWorkspace();
  team.world.jobs = [
    job('train-resnet-1', 'line-3'),
    job('train-resnet-2', 'line-3', 'InProgress'),
    job('ship-outline', 'harbor'),
  ];
});
afterEach(() => team.stop());

describe('[L1] /logs brings the log as a file', () => {
  it('into the channel, with what it is beside it and no progress message left', async () => {
    expect(await team.command('ada', 'C0LINE3', 'train-resnet-1')).toMatchObject({ ok: true });
    const message = await team.message('C0LINE3', 'Log of `train-resnet-1`* · completed');
    await team.idle();
    expect(message.text).toContain('Line 3 defects');
    expect(message.text).toContain('Requested by ada');
    const [file] = await team.files('C0LINE3');
    expect(file?.name).toMatch(/^training-logs-train-resnet-1-\d{8}T\d{6}Z\.log$/);
    expect((await team.content(file!)).toString()).toMatch(/^# job \s+train-resnet-1[\s\S]*\n\nepoch 1\n$/);
    expect((await team.messages('C0LINE3')).filter((one) => one.text.includes('looking for'))).toEqual([]);
  });

  it('says up to when for a job that runs', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-2');
    const file = await team.message('C0LINE3', 'Log of `train-resnet-2`* · running');
    expect(wordsOf(file)).toContain('still running');
    // It can be watched from there.
    expect(JSON.stringify(file.blocks)).toContain('watch.start');
  });

  it('by direct message with --dm, where the use case says so, and where the channel is not its own', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-1 --dm');
    await team.message('C0LINE3', 'as a direct message', { user: 'ada' });
    await team.idle();
    team.world.useCases = [{ ...LINE_3, logs: { ...LINE_3.logs, delivery: 'dm' } }, HARBOR];
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', 'the use case wants it so', { user: 'ada' });
    await team.idle();
    await team.command('ada', 'C0GENERAL', 'train-resnet-1 --use-case line-3');
    await team.message('C0GENERAL', 'does not belong to the use case', { user: 'ada' });
    await team.idle();
    expect(await team.files('C0LINE3')).toEqual([]);
    expect(await team.files('C0GENERAL')).toEqual([]);
    const direct = await team.messages('dm', 'ada');
    expect(direct.filter((message) => message.files?.length === 1)).toHaveLength(3);
  });

  it('by mention, in the thread where it was asked', async () => {
    const { ts } = await team.post<{ ts: string }>('/sandbox/slack/message', {
      user: 'ada',
      channel: 'C0LINE3',
      text: 'why did it fail?',
    });
    await team.post('/sandbox/slack/message', {
      user: 'ada',
      channel: 'C0LINE3',
      text: '<@U0SIGNALBOX> logs train-resnet-1',
      thread_ts: ts,
    });
    const message = await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    expect(message.thread_ts).toBe(ts);
    expect(message.files).toHaveLength(1);
  });

  it('by direct message to the bot, from the use cases that are open to the person', async () => {
    await team.post('/sandbox/slack/message', { user: 'ada', channel: 'dm', text: 'logs train-resnet-1' });
    expect((await team.message('dm', 'Log of `train-resnet-1`* ·', { user: 'ada' })).files).toHaveLength(1);
  });

  it('by message shortcut: at once when the message names a job, else by form', async () => {
    const said = (text: string) =>
      team.post<{ ts: string }>('/sandbox/slack/message', { user: 'ada', channel: 'C0LINE3', text });
    const shortcut = (message_ts: string) =>
      team.post('/sandbox/slack/shortcut', {
        user: 'ada',
        callback_id: 'logs.from_message',
        channel: 'C0LINE3',
        message_ts,
      });
    const named = await said('the follow-up train-resnet-1 looks odd');
    await shortcut(named.ts);
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).thread_ts).toBe(named.ts);
    await shortcut((await said('good morning')).ts);
    await team.idle();
    expect((await team.views('ada')).map((view) => view.callback_id)).toEqual(['logs.form']);
  });
});

describe('[L10] the form suggests names as one types', () => {
  it('only of use cases that are open to the person, and brings the file', async () => {
    await team.command('ada', 'C0LINE3', 'help');
    await team.message('C0LINE3', 'one file', { user: 'ada' });
    await team.action('ada', 'logs.choose', { channel: 'C0LINE3' });
    await team.idle();
    const [view] = await team.views('ada');
    const { options } = await team.post<{ options: { value: string; text: { text: string } }[] }>(
      '/sandbox/slack/options',
      { user: 'ada', action_id: 'logs.job', block_id: 'job', value: 'RESNET', view_id: view!.id },
    );
    expect(options.map((option) => option.value)).toEqual(['line-3 train-resnet-1', 'line-3 train-resnet-2']);
    const submit = (values: unknown) =>
      team.post('/sandbox/slack/view', { user: 'ada', view_id: view!.id, values });
    const job = { 'logs.job': 'line-3 train-resnet-1' };
    expect(await submit({ job, last: { last: 'banana' } })).toMatchObject({
      errors: { last: expect.stringContaining('banana') },
    });
    await submit({ job, last: { last: '2h' } });
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).files).toHaveLength(1);
  });
});

describe('[L7] nothing to show', () => {
  it('no log yet: says so, what to expect, and Retry works', async () => {
    team.world.download = () => Promise.reject(new AppError('not_found', 'no stream'));
    await team.command('ada', 'C0LINE3', 'train-resnet-2');
    const message = await team.message('C0LINE3', 'No logs available yet');
    expect(wordsOf(message)).toContain('2 to 10 minutes');
    // Nobody else's concern: nothing of it stays for the channel.
    expect(message.ephemeral_to).toBe('U0ADA');
    expect(await team.messages('C0LINE3', 'ben')).toEqual([]);
    team.world.download = async () => 'at last\n';
    await team.action('ada', 'logs.retry', { channel: 'C0LINE3', message_ts: message.ts });
    expect((await team.message('C0LINE3', 'Log of `train-resnet-2`* ·')).files).toHaveLength(1);
    expect(JSON.stringify(await team.messages('C0LINE3', 'ada'))).not.toContain('No logs available yet');
  });

  it('unknown job: the nearest names as buttons that work, flags kept', async () => {
    await team.command('ada', 'C0LINE3', 'train-resent-1 --tail 5');
    const message = await team.message('C0LINE3', 'There is no training job');
    expect(wordsOf(message)).toContain('train-resnet-1');
    // It may be a job of another kind, which only shows where a use case names it.
    expect(wordsOf(message)).toContain('kinds: all');
    expect(message.ephemeral_to).toBe('U0ADA');
    expect(await team.messages('C0LINE3', 'ben')).toEqual([]);
    await team.action('ada', 'logs.get:0', { channel: 'C0LINE3', message_ts: message.ts });
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).text).toContain('the last 5 lines');
  });

  it('nothing matches: offers the whole log', async () => {
    team.world.download = async (request) => (request.match ? '' : 'epoch 1\n');
    await team.command('ada', 'C0LINE3', 'train-resnet-1 --grep zebra');
    const message = await team.message('C0LINE3', 'matches');
    expect(wordsOf(message)).toContain('You asked for lines with `zebra`');
    expect(message.ephemeral_to).toBe('U0ADA');
    await team.action('ada', 'logs.get', { channel: 'C0LINE3', message_ts: message.ts });
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).files).toHaveLength(1);
  });
});

describe('[L6] a range of time that the log does not reach', () => {
  const ended = Date.UTC(2026, 0, 31, 18, 30);
  const asked: (number | undefined)[] = [];
  beforeEach(() => {
    asked.length = 0;
    team.world.logEnd = { text: 'epoch 9\n', at: ended };
    team.world.download = async ({ from }) => {
      asked.push(from);
      return (from ?? 0) > ended ? '' : 'epoch 9\n';
    };
  });

  it('says when the log ended and offers as much of its end, flags kept', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-1 --last 2h --grep epoch');
    const message = await team.message('C0LINE3', 'The log of `train-resnet-1` ended', { user: 'ada' });
    expect(message.ephemeral_to).toBe('U0ADA');
    expect(wordsOf(message)).toMatch(/ended <!date\^1769884200\^[^>]*>[\s\S]*Get its last 2 h\n/);
    await team.action('ada', 'logs.get', { channel: 'C0LINE3', message_ts: message.ts });
    const delivered = await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    expect(delivered.text).toContain('Only lines with `epoch`, from <!date^');
    expect(asked.at(-1)).toBe(ended - 7_200_000);
  });

  it('says of a job that runs when it last printed something', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-2 --since 30 minutes ago');
    const message = await team.message('C0LINE3', '`train-resnet-2` last printed something', { user: 'ada' });
    expect(wordsOf(message)).toContain('Get its last 30 min');
    await team.action('ada', 'logs.get:1', { channel: 'C0LINE3', message_ts: message.ts });
    expect((await team.message('C0LINE3', 'Log of `train-resnet-2`* ·')).files).toHaveLength(1);
  });

  it('stays where only the person reads', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-1 --last 2h --dm');
    const message = await team.message('dm', 'The log of `train-resnet-1` ended', { user: 'ada' });
    expect(message.ephemeral_to).toBeUndefined();
  });
});

describe('[L1] the log of a job that failed', () => {
  const TRACEBACK =
    'epoch 3\nTraceback (most recent call last):\n  File "train.py", line 4, in <module>\n    main(token="hf_abcdefghijklmnopqrstuvwxyz0123")\nKeyError: \'label\'\n';
  beforeEach(() => {
    team.world.jobs.push({
      ...job('train-broken', 'line-3', 'Failed'),
      secondaryStatus: 'Failed',
      failureReason: 'AlgorithmError: ExecuteUserScriptError, exit code: 1',
    });
    team.world.logEnd = { text: TRACEBACK, at: Date.UTC(2026, 0, 31, 18) };
  });

  it('comes with cause, what to do, the traceback without secrets, and the buttons', async () => {
    await team.command('ada', 'C0LINE3', 'train-broken');
    const message = await team.message('C0LINE3', 'Log of `train-broken`* · failed');
    expect(message.files).toHaveLength(1);
    const words = wordsOf(message);
    for (const part of [
      '*Cause:*',
      '*What to do:*',
      'ExecuteUserScriptError',
      "KeyError: 'label'",
      'Requested by ada',
    ])
      expect(words).toContain(part);
    expect(words).not.toContain('hf_abcdefghij');
    const buttons = message.blocks!.flatMap(
      (block) => (block as { elements?: { action_id?: string }[] }).elements ?? [],
    );
    expect(buttons.flatMap(({ action_id }) => action_id ?? [])).toEqual([
      'train.again',
      'compile.details',
      'open.link',
    ]);
    // Ada may read here, and start nothing: the window says so.
    await team.action('ada', 'train.again', { channel: 'C0LINE3', message_ts: message.ts });
    await team.idle();
    expect(JSON.stringify((await team.views('ada')).at(-1))).toContain(
      'You do not have permission to start training jobs',
    );
  });

  it('comes with the same words where Slack does not take the blocks', async () => {
    await team.post('/sandbox/faults', [{ on: 'files.completeUploadExternal', kind: 'invalid_blocks' }]);
    await team.command('ada', 'C0LINE3', 'train-broken --tail 5');
    const message = await team.message('C0LINE3', 'Log of `train-broken`* · failed');
    expect(message.files).toHaveLength(1);
    expect(message.text).toMatch(/Only the last 5 lines[\s\S]*\*Cause:\*[\s\S]*KeyError/);
  });

  it('is delivered also when its end cannot be read', async () => {
    team.world.logEnd = undefined;
    await team.command('ada', 'C0LINE3', 'train-broken');
    const message = await team.message('C0LINE3', 'Log of `train-broken`* · failed');
    expect(wordsOf(message)).toContain('*Cause:*');
    expect(message.files).toHaveLength(1);
  });

  it('that printed nothing: cause and what to do are told all the same', async () => {
    team.world.download = () => Promise.reject(new AppError('not_found', 'no stream'));
    await team.command('ada', 'C0LINE3', 'train-broken');
    const words = wordsOf(await team.message('C0LINE3', 'No logs available', { user: 'ada' }));
    for (const part of ['*Cause:*', '*What to do:*', 'Run again…']) expect(words).toContain(part);
  });
});

describe('people are called by their names', () => {
  const mention = (text: string) =>
    team.post('/sandbox/slack/message', { user: 'ada', channel: 'C0LINE3', text: `<@U0SIGNALBOX> ${text}` });

  it('and not by an id where a mention tells only that', async () => {
    await mention('logs train-resnet-1');
    const message = await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    expect(wordsOf(message)).not.toContain('U0ADA');
    expect(wordsOf(message)).not.toContain('Requested by');
    expect((await team.content(message.files![0]!)).toString()).toContain('UTC by Slack user U0ADA\n');
  });

  it('also after a mention, once Slack has told the name', async () => {
    await team.command('ada', 'C0LINE3', 'help');
    await team.message('C0LINE3', 'one file', { user: 'ada' });
    await mention('logs train-resnet-1');
    const message = await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    expect(message.text).toContain('Requested by ada');
    expect((await team.content(message.files![0]!)).toString()).toMatch(/UTC by ada\n/);
  });
});

describe('the help', () => {
  it('has examples with a job that there is here', async () => {
    await team.command('ada', 'C0LINE3', 'help');
    const words = wordsOf(await team.message('C0LINE3', 'one file', { user: 'ada' }));
    expect(words).toContain('`/logs train-resnet-1 --last 2h --grep "CUDA out of memory"`');
  });

  it('has examples with any name where there is none', async () => {
    team.world.jobs = [];
    await team.command('ada', 'C0LINE3', 'help');
    expect(wordsOf(await team.message('C0LINE3', 'one file', { user: 'ada' }))).toContain(
      '`/logs my-training-job`',
    );
  });
});

describe('[L8] who may not, is told so', () => {
  it('in the channel of a use case, naming it and who can grant it, seen by the person alone', async () => {
    team.world.useCases = [{ ...LINE_3, access: { admin: ['U0DEV'] } }, HARBOR];
    await team.command('chloe', 'C0LINE3', 'train-resnet-1');
    const message = await team.message('C0LINE3', 'You do not have permission');
    expect(message.ephemeral_to).toBe('U0CHLOE');
    expect(wordsOf(message)).toMatch(/Line 3 defects \(line-3\)[\s\S]*<@U0DEV>/);
    await team.idle();
    expect(team.audit).toMatchObject([
      { action: 'logs.refused', useCase: 'line-3', subject: 'train-resnet-1', actor: { user: 'U0CHLOE' } },
    ]);
  });

  it('for a job of another use case, which is named to members where its configuration says so', async () => {
    team.world.useCases = [LINE_3, { ...HARBOR, discoverable: true }];
    for (const [channel, args] of [
      ['C0LINE3', 'ship-outline'],
      ['C0LINE3', 'ship-outline --use-case harbor'],
    ] as const) {
      await team.command('ada', channel, args);
      expect(wordsOf(await team.message(channel, 'You do not have permission', { user: 'ada' }))).toMatch(
        /Harbor watch[\s\S]*<@U0DEV>/,
      );
    }
    await team.idle();
    expect(await team.files('C0LINE3')).toEqual([]);
  });

  it('at a click, when the right was lost after the command', async () => {
    team.world.download = () => Promise.reject(new AppError('not_found', 'no stream'));
    await team.command('chloe', 'C0LINE3', 'train-resnet-2');
    const message = await team.message('C0LINE3', 'No logs available yet');
    team.world.useCases = [{ ...LINE_3, access: { admin: ['U0DEV'] } }, HARBOR];
    await team.action('chloe', 'logs.retry', { channel: 'C0LINE3', message_ts: message.ts });
    await team.message('C0LINE3', 'You do not have permission', { user: 'chloe' });
  });

  it('when the right was lost while the log was fetched: nothing is shown', async () => {
    team.world.download = async () => {
      team.world.useCases = [LINE_3, HARBOR];
      await team.post('/sandbox/slack/channel', { channel: 'C0LINE3', leave: 'chloe' });
      return 'secret\n';
    };
    await team.command('chloe', 'C0LINE3', 'train-resnet-1');
    await team.idle();
    await team.message('C0LINE3', 'You do not have permission');
    expect(await team.files('C0LINE3')).toEqual([]);
  });

  it('has every download, refusal and cancellation on record, with the session’s name', async () => {
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    await team.idle();
    expect(team.audit).toMatchObject([
      {
        action: 'logs.downloaded',
        actor: { team: 'T0SANDBOX', user: 'U0ADA' },
        useCase: 'line-3',
        subject: 'train-resnet-1',
        sessionName: 'logs-U0ADA-1',
        detail: { events: 1 },
      },
    ]);
  });
});

describe('[L9] failures in words', () => {
  it('a role that cannot be assumed: checklist for all, the ARN for admins alone', async () => {
    team.world.open = () => {
      throw new AppError('permission_denied', 'The role of Line 3 defects cannot be assumed.', {
        hint: 'Check: the trust policy names the bot; the external id is the same.',
        adminHint: 'arn:aws:iam::123456789012:role/SignalboxAccess',
      });
    };
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', 'trust policy');
    await team.idle();
    expect(JSON.stringify(await team.messages('C0LINE3'))).not.toContain('SignalboxAccess');
    await team.command('devika', 'C0LINE3', 'train-resnet-1');
    const forAdmin = await team.message('C0LINE3', 'SignalboxAccess', { user: 'devika' });
    expect(forAdmin.ephemeral_to).toBe('U0DEV');
  });

  it('a bug: reference id, Retry, nothing of its inside', async () => {
    team.world.download = () =>
      Promise.reject(new TypeError("Cannot read properties of undefined (reading 'x')"));
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const message = await team.message('C0LINE3', 'Something went wrong');
    expect(wordsOf(message)).toMatch(/Reference `[a-z2-9]{8}`/);
    expect(JSON.stringify(message)).not.toMatch(/TypeError|Cannot read|\.ts:/);
    expect(JSON.stringify(message)).toContain('logs.retry');
  });
});

describe('[L4] while it runs', () => {
  const untilAborted = (_: unknown, signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });

  it('[W5] offers to open the run, and who presses gets a link of their own', async () => {
    const linked: unknown[] = [];
    team.services.viewer = {
      runs: {
        of: async (useCase, name) => (name === 'train-resnet-1' ? `${useCase}~sagemaker~${name}` : undefined),
      },
      links: {
        linkFor: 300_000,
        linkTo: async (actor, run) => {
          linked.push(actor.user, run);
          return `https://runs.example.com/runs/${run}#t=abc`;
        },
      },
    };
    team.world.download = untilAborted;
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const progress = await team.message('C0LINE3', '50 % of the time range');
    const live = { channel: 'C0LINE3', message_ts: progress.ts };
    await team.action('ben', 'logs.live', live);
    const link = await team.message('C0LINE3', 'Your link to the log', { user: 'ben' });
    expect(link.ephemeral_to).toBe('U0BEN');
    expect(JSON.stringify(link.blocks)).toContain(
      'https://runs.example.com/runs/line-3~sagemaker~train-resnet-1#t=abc',
    );
    expect(wordsOf(link)).toContain('It works once, within the next 5 min. It signs you in');
    expect(linked).toEqual(['U0BEN', 'line-3~sagemaker~train-resnet-1']);

    // What was there when the button was drawn may be gone when it is pressed.
    team.services.viewer.runs.of = async () => undefined;
    await team.action('ben', 'logs.live', live);
    await team.message('C0LINE3', 'There is nothing to see of this run', { user: 'ben' });
    team.services.viewer = undefined;
    await team.action('ben', 'logs.live', live);
    await team.message('C0LINE3', 'Runs cannot be opened in a browser any more', { user: 'ben' });
    await team.action('ada', 'logs.cancel', live);
    await team.message('C0LINE3', 'Cancelled:');
  });

  it('shows progress in one message and can be cancelled by who asked, and by an admin, and by nobody else', async () => {
    team.world.download = untilAborted;
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const progress = await team.message('C0LINE3', '50 % of the time range');
    expect(wordsOf(progress)).toContain('still fetching: the log service is slowing us down');
    await team.action('ben', 'logs.cancel', { channel: 'C0LINE3', message_ts: progress.ts });
    await team.message('C0LINE3', 'Only the person who asked', { user: 'ben' });
    await team.action('ada', 'logs.cancel', { channel: 'C0LINE3', message_ts: progress.ts });
    const cancelled = await team.message('C0LINE3', 'Cancelled:');
    expect(cancelled.ts).toBe(progress.ts);
    expect(wordsOf(cancelled)).toContain('by ada');
    await team.idle();
    expect(team.audit.map((record) => record.action)).toEqual(['logs.cancelled']);

    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const second = await team.message('C0LINE3', '50 % of the time range');
    await team.action('devika', 'logs.cancel', { channel: 'C0LINE3', message_ts: second.ts });
    await team.idle();
    expect(wordsOf((await team.messages('C0LINE3')).find((one) => one.ts === second.ts)!)).toContain(
      'by devika',
    );
  });

  it('says so when the same is asked for twice, and bounds how much one person runs', async () => {
    await team.stop();
    team = await startWorkspace({ limits: { perProcess: 1, perUser: 2 } });
    team.world.jobs = [job('train-resnet-1', 'line-3'), job('train-resnet-2', 'line-3')];
    team.world.download = untilAborted;
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', '50 % of the time range');
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', 'is being fetched already', { user: 'ada' });
    await team.command('ada', 'C0LINE3', 'train-resnet-2');
    await team.message('C0LINE3', 'waiting for 1 other download');
    await team.command('ada', 'C0LINE3', 'train-resnet-1 --raw');
    await team.message('C0LINE3', 'You have 2 downloads running already', { user: 'ada' });
  });

  it('[O5] ends with word to who asked when the bot stops', async () => {
    team.world.download = untilAborted;
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', '50 % of the time range');
    await team.slack.stopIntake();
    await team.services.downloads.close('Signalbox is restarting. Ask again in a minute.');
    await team.idle();
    await team.message('C0LINE3', 'Signalbox is restarting');
  });

  it('answers a click on the Cancel of a download that is long over', async () => {
    team.world.download = untilAborted;
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const progress = await team.message('C0LINE3', '50 % of the time range');
    await team.action('ada', 'logs.cancel', {
      channel: 'C0LINE3',
      message_ts: progress.ts,
      value: 'another-id',
    });
    await team.message('C0LINE3', 'no longer running', { user: 'ada' });
  });
});

describe('bad input is answered, to the person alone', () => {
  it.each([
    ['no argument', '', 'one file'],
    ['help', 'help', 'one file'],
    ['an unknown flag', 'train-resnet-1 --sinse 2h', 'Did you mean --since'],
    ['--last banana', 'train-resnet-1 --last banana', '“banana”'],
    ['--since after --until', 'train-resnet-1 --since 1h --until 2h', 'not before'],
    ['an unknown use case', 'train-resnet-1 --use-case line-4', 'Did you mean line-3'],
    ['a path', '../../etc/passwd', 'cannot be a job name'],
    ['a mention and backticks', 'train`<!channel>`', 'cannot be a job name'],
    ['a name of 300 characters', `train-${'x'.repeat(300)}`, 'at most 120 characters'],
    ['arguments without end', `train-resnet-1 --grep ${'x'.repeat(1600)}`, 'at most 1500'],
  ])('%s', async (_, text, answer) => {
    expect(await team.command('ada', 'C0LINE3', text)).toMatchObject({ ok: true });
    const message = await team.message('C0LINE3', answer);
    expect(message.ephemeral_to).toBe('U0ADA');
    expect(JSON.stringify(message)).not.toContain('<!channel>');
  });

  it('reads smart quotes, long dashes and Slack’s links', async () => {
    await team.command('ada', 'C0LINE3', '<http://train-resnet-1|train-resnet-1> —grep “epoch 1”');
    expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).text).toContain(
      'lines with `epoch 1`',
    );
  });

  it('a channel of no use case: offers those that are open', async () => {
    await team.command('ada', 'C0GENERAL', 'train-resnet-1');
    const message = await team.message('C0GENERAL', 'does not belong to a use case', { user: 'ada' });
    await team.action('ada', 'logs.get:0', { channel: 'C0GENERAL', message_ts: message.ts });
    expect((await team.message('dm', 'Log of `train-resnet-1`* ·', { user: 'ada' })).files).toHaveLength(1);
  });

  it('a channel that the bot is not in: how to invite it', async () => {
    team.world.useCases = [{ ...LINE_3, channels: ['C0LINE3', 'C0RANDOM'] }];
    await team.command('ada', 'C0RANDOM', 'train-resnet-1');
    expect(wordsOf(await team.message('C0RANDOM', 'not a member', { user: 'ada' }))).toContain(
      '/invite @signalbox',
    );
  });

  it('a button of another version, and an unknown word after a mention', async () => {
    team.world.download = () => Promise.reject(new AppError('not_found', 'no stream'));
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    const message = await team.message('C0LINE3', 'No logs available yet');
    await team.action('ada', 'logs.retry', { channel: 'C0LINE3', message_ts: message.ts, value: '{"x":1}' });
    await team.message('C0LINE3', 'another version', { user: 'ada' });
    await team.post('/sandbox/slack/message', {
      user: 'ada',
      channel: 'C0LINE3',
      text: '<@U0SIGNALBOX> lgos train-resnet-1',
    });
    await team.message('C0LINE3', 'Did you mean “@signalbox logs”?', { user: 'ada' });
  });
});

describe('/signalbox and the Home tab', () => {
  it('list what there is', async () => {
    await team.command('ada', 'C0LINE3', 'help', '/signalbox');
    expect(wordsOf(await team.message('C0LINE3', '/logs', { user: 'ada' }))).toContain('/signalbox help');
    await team.command('ada', 'C0LINE3', 'train-resnet-1');
    await team.message('C0LINE3', 'Log of `train-resnet-1`* ·');
    await team.idle();
    const { view } = await team.post<{ view: unknown }>('/sandbox/slack/home', { user: 'ada' });
    const shown = JSON.stringify(view);
    for (const words of ['Line 3 defects', '<#C0LINE3>', 'train-resnet-1', '/logs'])
      expect(shown).toContain(words);
    expect(shown).not.toContain('Harbor');
    await team.action('ada', 'logs.get');
    expect((await team.message('dm', 'Log of `train-resnet-1`* ·', { user: 'ada' })).files).toHaveLength(1);
    const eve = await team.post<{ view: unknown }>('/sandbox/slack/home', { user: 'eve' });
    expect(JSON.stringify(eve.view)).toContain('You have no access to a use case yet');
  });
});
