import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { harborJobs } from '../../src/demo/harbor-jobs.ts';
import { line3Jobs } from '../../src/demo/line-3-jobs.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';

let bot: Bot;
beforeAll(async () => {
  bot = await startBot();
});
afterAll(() => bot.stop());
afterEach(() => {
  bot.clearFaults();
  bot.sandbox.aws.configure({ latencyMs: 0, quotas: {}, emptyPages: 1 });
});

const HUGE = 'line3-pretrain-2m';
const names = (jobs: { name: string }[]): string[] => jobs.map((job) => job.name);

/** Asks and waits for what comes of it: the message with the file, or the words given. */
async function ask(user: string, channel: string, args: string, words: string) {
  const since = await bot.now(channel);
  expect(await bot.command(user, channel, args)).toMatchObject({ ok: true });
  return bot.message(channel, words, { since });
}

const log = (job: string): string => `Log of \`${job}\`* ·`;

describe('[L1] every seeded job', () => {
  const seeded = [
    ...line3Jobs(Date.now()).map((job) => ({ job, channel: 'C0LINE3', user: 'ada' })),
    ...harborJobs(Date.now()).map((job) => ({ job, channel: 'C0HARBOR', user: 'ben' })),
  ];
  const small = seeded.filter(({ job }) => job.name !== HUGE);

  it('is seeded in both use cases', () => {
    expect(small.length).toBeGreaterThan(12);
    expect(seeded.length - small.length).toBe(1);
  });

  it.each(small.map((one) => [one.job.name, one] as const))('%s', async (name, { job, channel, user }) => {
    if (eventsOf(job) === 0) {
      await ask(user, channel, name, 'No logs available yet');
      return;
    }
    const message = await ask(user, channel, name, log(name));
    const [file] = message.files ?? [];
    expect(file?.name).toMatch(new RegExp(`^training-logs-${name}-\\d{8}T\\d{6}Z\\.log(?:\\.gz)?$`));
    if (file!.name.endsWith('.gz')) return;
    const text = (await bot.content(file!)).toString();
    const [head] = /^(?:#.*\n)+\s*\n/.exec(text) ?? [];
    // Its own streams and no other job's.
    for (const stream of head!.matchAll(/(\S+\/algo-\S+)/g))
      expect(stream[1]).toMatch(new RegExp(`^${name}/`));
    const events = Number(/^# events +([\d,]+)$/m.exec(head!)![1]!.replaceAll(',', ''));
    expect(wordsOf(message)).toContain(`${events.toLocaleString('en-US')} event`);
    const starts =
      text.slice(head!.length).match(/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\.\d{3}Z? /gm) ?? [];
    expect(starts.length).toBeGreaterThanOrEqual(events);
    expect([...starts].sort()).toEqual(starts);
  });
});

describe('[L11] a log that was read', () => {
  /** Of four streams: to read it takes eight requests. */
  const JOB = 'defects-resnet101-ddp';
  const withoutHead = (text: string): string => text.slice(text.indexOf('\n\n'));

  it('is given again for one event, in any form, and read again on demand', async () => {
    const first = await ask('ada', 'C0LINE3', JOB, log(JOB));
    const text = (await bot.content(first.files![0]!)).toString();
    // Whoever asks again may still read it: that costs one event. Too few pages are to be had for more; one of the first
    // reading may still be under way, given up.
    const noPages = (): Promise<void> =>
      bot.fault(
        { on: 'logs:GetLogEvents', kind: 'AccessDeniedException', after: 3, times: 0 },
        { on: 'logs:FilterLogEvents', kind: 'AccessDeniedException', times: 0 },
      );
    for (const args of [JOB, `${JOB} --raw`, `${JOB} --grep 0`, `${JOB} --tail 3`]) {
      bot.clearFaults();
      await noPages();
      const again = await ask('ada', 'C0LINE3', args, log(JOB));
      const given = (await bot.content(again.files![0]!)).toString();
      if (args === JOB) expect(withoutHead(given)).toBe(withoutHead(text));
      else expect(withoutHead(given).length).toBeLessThanOrEqual(withoutHead(text).length);
    }
    bot.clearFaults();
    await noPages();
    await ask('ada', 'C0LINE3', `${JOB} --fresh`, 'Reference');
  });

  it('is refused to whom AWS refuses it', async () => {
    await ask('ada', 'C0LINE3', JOB, log(JOB));
    await bot.fault({ on: 'logs:GetLogEvents', kind: 'AccessDeniedException', times: 0 });
    await ask('ada', 'C0LINE3', JOB, 'Reference');
  });
});

describe('[K4] a job whose machines were replaced', () => {
  it('has each machine’s streams one after the other, and says who restarted when', async () => {
    const JOB = 'defects-mixed-cluster';
    const message = await ask('ada', 'C0LINE3', JOB, log(JOB));
    const text = (await bot.content(message.files![0]!)).toString();
    const streams = [...text.matchAll(/defects-mixed-cluster\/(algo-\d)-(\d+) \(/g)];
    expect(streams.map(([, host]) => host)).toEqual([
      'algo-1',
      'algo-1',
      'algo-2',
      'algo-2',
      'algo-3',
      'algo-3',
    ]);
    const [first, second] = streams.map(([, , at]) => Number(at));
    expect(first).toBeLessThan(second!);
    const told =
      /^# restarted {4}(\S+) (\S+) UTC: algo-1 as algo-1\/2, algo-2 as algo-2\/2, algo-3 as algo-3\/2$/m.exec(
        text,
      )!;
    expect(Date.parse(`${told[1]}T${told[2]}Z`)).toBe(second! * 1000);
    const again = new Date(second! * 1000).toISOString();
    const events = text.slice(text.indexOf('\n\n')).split('\n');
    const checkpoint = events.find((line) => line.includes('found /opt/ml/checkpoints'))!;
    expect(checkpoint > again).toBe(true);
    expect(checkpoint).toMatch(/^\S+ algo-\d\/2 /);
    expect(events.filter((line) => line < again).join()).not.toContain('found /opt/ml/checkpoints');
  });
});

describe('[L6] narrowing', () => {
  it('by text, tail and form', async () => {
    const message = await ask(
      'ada',
      'C0LINE3',
      'defects-unet-relabelled --grep KeyError --tail 2',
      log('defects-unet-relabelled'),
    );
    const text = (await bot.content(message.files![0]!)).toString();
    expect(text.match(/KeyError/g)!.length).toBeGreaterThanOrEqual(2);
    expect(text).toMatch(/^# events +2$/m);
    const raw = await ask('ada', 'C0LINE3', 'defects-unet-relabelled --raw', log('defects-unet-relabelled'));
    expect((await bot.content(raw.files![0]!)).toString()).not.toMatch(/^# job/);
  });

  it('by a pattern that would hang a backtracking engine', async () => {
    await ask(
      'ada',
      'C0LINE3',
      'defects-resnet50 --regex "^(([a-z0-9 ])+.)+[A-Z]([a-z])+$"',
      'defects-resnet50',
    );
    await ask('ada', 'C0LINE3', 'defects-resnet50 --regex "(unclosed"', 'Reference');
  });
});

describe('[L1] a job that failed', () => {
  it('comes with what its alert knows, in the message that carries the file', async () => {
    const message = await ask('ada', 'C0LINE3', 'defects-unet-relabelled', log('defects-unet-relabelled'));
    expect(message.files).toHaveLength(1);
    const words = wordsOf(message);
    for (const part of ['*Cause:*', '*What to do:*', '*Reported:*', 'KeyError', 'Run again…', 'Details'])
      expect(words).toContain(part);
  });
});

describe('[L6] a range of time after the log’s end', () => {
  it('says when it ended and brings its last two hours at a click', async () => {
    const message = await ask('ada', 'C0LINE3', 'colour-drift-xgb --last 2h', 'colour-drift-xgb` ended');
    expect(message.ephemeral_to).toBe('U0ADA');
    const since = await bot.now('C0LINE3');
    await bot.action('ada', 'logs.get', { channel: 'C0LINE3', message_ts: message.ts });
    const delivered = await bot.message('C0LINE3', log('colour-drift-xgb'), { since });
    expect(delivered.files).toHaveLength(1);
    expect(delivered.text).toContain('404 events');
  });
});

describe('[L1] a job as people paste it', () => {
  it.each([
    'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/yolo-bolts',
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FTrainingJobs/log-events/yolo-bolts$252Falgo-1-1795765678',
    'yolo\u2011bolts',
    '`yolo-bolts`',
  ])('after the command: %s', async (pasted) => {
    await ask('ada', 'C0LINE3', `${pasted} -n 5`, log('yolo-bolts'));
  });

  it.each(['/jobs', '/components'])('after %s, as part of a name', async (command) => {
    const since = await bot.now('C0LINE3');
    const page =
      'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/yolo-bolts-2';
    await bot.command('ada', 'C0LINE3', page, command);
    const message = await bot.message('C0LINE3', 'yolo-bolts-2', { since, user: 'ada' });
    expect(message.ephemeral_to).toBe('U0ADA');
    expect(JSON.stringify(message)).not.toContain(
      'console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/yolo-bolts-2 ',
    );
  });

  it('after a mention, as a link with words of its own', async () => {
    const since = await bot.now('C0LINE3');
    const link =
      '<https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/yolo-bolts|this one>';
    await bot.post('/sandbox/slack/message', {
      user: 'ada',
      channel: 'C0LINE3',
      text: `<@U0SIGNALBOX> logs ${link} --since 30 days ago`,
    });
    await bot.message('C0LINE3', log('yolo-bolts'), { since });
  });
});

describe('[L7, L8] what is not there or not allowed', () => {
  it('offers the nearest names', async () => {
    const message = await ask('ada', 'C0LINE3', 'defects-resnet05', 'There is no training job');
    expect(JSON.stringify(message)).toContain('defects-resnet50');
  });

  it('refuses a job of a use case without the right, naming it and who can grant it', async () => {
    const message = await ask(
      'ada',
      'C0LINE3',
      names(harborJobs(Date.now()))[0]!,
      'You do not have permission',
    );
    expect(JSON.stringify(message)).toMatch(/Harbor watch.*U0DEV/);
    expect(message.ephemeral_to).toBe('U0ADA');
  });

  it('refuses after the right was lost between command and click', async () => {
    const message = await ask('chloe', 'C0LINE3', 'defects-resnet05', 'There is no training job');
    await bot.post('/sandbox/slack/channel', { channel: 'C0LINE3', leave: 'chloe' });
    const since = await bot.now('C0LINE3');
    // The message is still open on her screen.
    await bot.post('/sandbox/slack/channel', { channel: 'C0ALERTS', join: 'chloe' });
    const click = await bot.action('chloe', 'logs.get:0', { channel: 'C0LINE3', message_ts: message.ts });
    if (click.ok) await bot.message('C0LINE3', 'You do not have permission', { since });
    else expect(click.error).toBe('not_in_channel');
    await bot.post('/sandbox/slack/channel', { channel: 'C0LINE3', join: 'chloe' });
  });

  it('answers in a channel of no use case', async () => {
    await ask('eve', 'C0GENERAL', 'defects-resnet50', 'You do not have access to anything by that name');
    await ask('ada', 'C0GENERAL', 'defects-resnet50', 'does not belong to a use case');
  });
});

describe('[L9] AWS in trouble', () => {
  it('throttling on every second call is waited out', async () => {
    await bot.fault({ on: 'logs:GetLogEvents', kind: 'ThrottlingException', every: 2, times: 0 });
    expect((await ask('ada', 'C0LINE3', 'yolo-bolts --fresh', log('yolo-bolts'))).files).toHaveLength(1);
  });

  it('[L5] several downloads at once, throttled too, make no warning of the process', async () => {
    const warnings: string[] = [];
    const listen = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', listen);
    await bot.fault({ on: 'logs:GetLogEvents', kind: 'ThrottlingException' });
    const jobs = ['defects-resnet101-ddp', 'defects-resnet50', 'colour-drift-xgb', 'yolo-bolts-2'];
    const since = await bot.now('C0LINE3');
    await Promise.all(jobs.map((job) => bot.command('ada', 'C0LINE3', `${job} --fresh`)));
    for (const job of jobs) await bot.message('C0LINE3', log(job), { since });
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('credentials that expire in the middle are renewed', async () => {
    bot.sandbox.aws.configure({ latencyMs: 300 });
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', 'defects-resnet101-ddp --fresh');
    await bot.message('C0LINE3', 'of the time range', { since });
    bot.sandbox.aws.expireSessions();
    expect((await bot.message('C0LINE3', log('defects-resnet101-ddp'), { since })).files).toHaveLength(1);
  });

  it('empty pages without end in sight are read through', async () => {
    bot.sandbox.aws.configure({ emptyPages: 60, silenceMs: 60_000 });
    const message = await ask('ada', 'C0LINE3', 'colour-drift-xgb --fresh', log('colour-drift-xgb'));
    expect(message.files).toHaveLength(1);
  });

  it('an account that is down is told in words, with Retry', async () => {
    await bot.fault({ on: 'sagemaker:DescribeTrainingJob', kind: '500', times: 0 });
    const message = await ask('ada', 'C0LINE3', 'defects-resnet50', 'Reference');
    expect(JSON.stringify(message)).toContain('logs.retry');
    expect(JSON.stringify(message)).not.toMatch(/InternalFailure|\.ts:|at async|requestId/);
  });
});

describe('[L4] cancelling and delivering', () => {
  it('stops a download of 300 MB at a click and leaves its message saying so', async () => {
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', HUGE);
    const progress = await bot.message('C0LINE3', 'of the time range', { since });
    await bot.action('ada', 'logs.cancel', { channel: 'C0LINE3', message_ts: progress.ts });
    expect((await bot.message('C0LINE3', 'Cancelled:', { since })).ts).toBe(progress.ts);
  });

  it('a broken upload, a late share and rate limits change nothing for the reader', async () => {
    await bot.fault(
      { on: 'files.upload', kind: 'drop' },
      { on: 'files.completeUploadExternal', kind: 'late_share', seconds: 1 },
      { on: 'chat.update', kind: '429', seconds: 1 },
      { on: 'files.completeUploadExternal', kind: '429', seconds: 1 },
    );
    expect((await ask('ada', 'C0LINE3', 'yolo-bolts-2', log('yolo-bolts-2'))).files).toHaveLength(1);
  });

  it('leaves nothing in the spool of what was delivered', async () => {
    await bot.restart();
    await ask('ada', 'C0LINE3', 'defects-unet-relabelled', log('defects-unet-relabelled'));
    await bot.app.stop();
    expect((await bot.spool()).filter((path) => path.endsWith('.log'))).toEqual([]);
    await bot.restart();
  });
});

function eventsOf(job: ReturnType<typeof line3Jobs>[number]): number {
  return job.streams.reduce((sum, stream) => sum + stream.series.visible(Date.now()), 0);
}
