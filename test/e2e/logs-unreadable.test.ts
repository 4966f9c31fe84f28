/** [L13] `/logs`, `signalbox logs` and the doctor, where a log group gives out no logs, or not all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsWorld, type LogGroupSeed, TRAINING_LOG_GROUP } from '#sandbox/seeds';
import { run } from '../cli/in-memory.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, botEnvironment, startBot } from './bot.ts';

type Settings = Partial<LogGroupSeed>;

const KEY = 'arn:aws:kms:us-east-1:210987654321:key/0c5f2f3e';

/** The seeded world with other settings of the training jobs' log groups. */
const withGroups =
  (line3: Settings, harbor: Settings) =>
  ({ accounts }: AwsWorld): AwsWorld => ({
    accounts: accounts.map((account) => ({
      ...account,
      regions: Object.fromEntries(
        Object.entries(account.regions ?? {}).map(([name, seed]) => [
          name,
          {
            ...seed,
            logGroups: (seed.logGroups ?? []).map((group) =>
              group.name === TRAINING_LOG_GROUP
                ? { ...group, ...(account.id === '123456789012' ? line3 : harbor) }
                : group,
            ),
          },
        ]),
      ),
    })),
  });

async function ask(bot: Bot, user: string, channel: string, args: string, words: string) {
  const since = await bot.now(channel);
  expect(await bot.command(user, channel, args)).toMatchObject({ ok: true });
  return bot.message(channel, words, { since });
}

/** In the message with the file only. */
const log = (job: string) => `Log of \`${job}\`* ·`;

const cli = (bot: Bot, ...args: string[]) =>
  run(args, { cwd: bot.dataDir, env: botEnvironment(bot.sandbox) });

/** What the doctor finds of a use case's log group, and of reading its logs. */
async function doctor(bot: Bot, useCase: string): Promise<Record<string, string>> {
  const { stdout } = await cli(bot, 'doctor', '--json');
  const { checks } = JSON.parse(stdout) as {
    checks: { about: string; title: string; status: string; detail: string }[];
  };
  return Object.fromEntries(
    checks
      .filter(({ about, title }) => about === `use case ${useCase}` && title.startsWith('log '))
      .map(({ title, status, detail }) => [title, `${status}: ${detail}`]),
  );
}

describe('[L13] a log group that gives out no logs', () => {
  let bot: Bot;
  beforeAll(async () => {
    bot = await startBot({
      world: withGroups({ class: 'INFREQUENT_ACCESS' }, { kmsKeyId: KEY, kmsRefuses: true }),
    });
  });
  afterAll(() => bot.stop());

  it('because of its class: in Slack, on the command line, by the doctor', async () => {
    const words = 'because it is not of the Standard class';
    const message = await ask(bot, 'ada', 'C0LINE3', 'yolo-bolts', words);
    expect(wordsOf(message)).toContain('Not possible now');
    expect(wordsOf(message)).toContain('filter @logStream like /^yolo-bolts\\// | sort @timestamp');
    const { exitCode, stderr } = await cli(bot, 'logs', 'yolo-bolts', '--use-case', 'line-3');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(await doctor(bot, 'line-3')).toEqual({
      'log access': expect.stringMatching(`^failed: .*${words}`),
      'log group': `warning: ${TRAINING_LOG_GROUP} is of the class INFREQUENT_ACCESS, whose logs AWS does not give out`,
    });
  });

  it('because of its key: in Slack without the key, on the command line, by the doctor', async () => {
    const words = 'because the KMS key that it is encrypted with may not be used';
    const message = await ask(bot, 'ben', 'C0HARBOR', 'yolo-crane', words);
    expect(wordsOf(message)).toContain('Not allowed');
    expect(wordsOf(message)).toContain('kms:Decrypt to CloudWatch Logs (logs.us-east-1.amazonaws.com)');
    expect(JSON.stringify(message)).not.toContain('arn:');
    const { exitCode, stderr } = await cli(bot, 'logs', 'yolo-crane', '--use-case', 'harbor');
    expect(exitCode).toBe(4);
    expect(stderr).toContain(words);
    expect(await doctor(bot, 'harbor')).toEqual({
      'log access': expect.stringMatching(`^failed: .*${words}`),
      'log group': `ok: ${TRAINING_LOG_GROUP} keeps logs for ever, encrypted with ${KEY}`,
    });
  });
});

describe('[L13] a log group that has removed or masked something', () => {
  let bot: Bot;
  beforeAll(async () => {
    bot = await startBot({
      world: withGroups({ retentionInDays: 1, dataProtectionStatus: 'ACTIVATED' }, { retentionInDays: 1 }),
    });
  });
  afterAll(() => bot.stop());

  it('says from when on a log is complete and that values are masked: in the file and beside it', async () => {
    const message = await ask(bot, 'ada', 'C0LINE3', 'defects-resnet50', log('defects-resnet50'));
    const words = wordsOf(message);
    expect(words).toMatch(/_Complete_ from .* on: the log group \/aws\/sagemaker\/TrainingJobs keeps 1 day,/);
    expect(words).toContain('_Masked_ by a data-protection policy on the log group');
    const text = (await bot.content(message.files![0]!)).toString();
    const [, since] = /^# complete {5}from (.+?) on: /m.exec(text)!;
    expect(text).toMatch(/^# masked {7}by a data-protection policy/m);
    const [first] = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}/m.exec(text)!;
    expect(Date.parse(`${first.replace(' ', 'T')}Z`)).toBeGreaterThanOrEqual(
      Date.parse(since!.replace(' UTC', 'Z').replace(' ', 'T')) - 1000,
    );
    const { exitCode, stderr } = await cli(bot, 'logs', 'defects-resnet50', '--use-case', 'line-3');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^note: complete from .* UTC on: the log group/m);
    expect(stderr).toMatch(/^note: masked by a data-protection policy/m);
  });

  it('says of a log that is gone that it is, also to whoever asks for a range of time', async () => {
    for (const [job, more] of [
      ['yolo-bolts', ''],
      ['colour-drift-xgb', ' --last 3d'],
    ]) {
      const message = await ask(bot, 'ada', 'C0LINE3', `${job}${more}`, 'whatever it printed is removed');
      expect(wordsOf(message)).toContain(`*No logs available* for \`${job}\``);
      expect(JSON.stringify(message)).not.toContain('logs.retry');
    }
    const { stderr } = await cli(bot, 'logs', 'yolo-crane', '--use-case', 'harbor');
    expect(stderr).toContain('keeps 1 day, and the job ended before that: whatever it printed is removed.');
  });

  it('says where nothing matches that what is older may be removed', async () => {
    const message = await ask(
      bot,
      'ada',
      'C0LINE3',
      'colour-drift-xgb --grep error',
      'Nothing in the log of `colour-drift-xgb` matches*',
    );
    expect(wordsOf(message)).toMatch(/_Complete_ from .* keeps 1 day, and what is older may be removed/);
  });

  it('is described by the doctor', async () => {
    expect(await doctor(bot, 'line-3')).toEqual({
      'log access': expect.stringMatching(/^ok: streams can be listed and read/),
      'log group': `ok: ${TRAINING_LOG_GROUP} keeps logs for 1 day, with values that a data-protection policy masks`,
    });
    expect((await doctor(bot, 'harbor'))['log group']).toBe(`ok: ${TRAINING_LOG_GROUP} keeps logs for 1 day`);
  });

  it('is asked for once in ten minutes, however many ask for logs', async () => {
    const asked = () => bot.sandbox.aws.stats().requests.DescribeLogGroups ?? 0;
    await ask(bot, 'ada', 'C0LINE3', 'defects-vit-b16', log('defects-vit-b16'));
    const before = asked();
    await ask(bot, 'ada', 'C0LINE3', 'defects-swin-4k', log('defects-swin-4k'));
    await ask(bot, 'ada', 'C0LINE3', 'glare-segmenter-keras', log('glare-segmenter-keras'));
    expect(asked()).toBe(before);
  });

  it('keeps no log from being delivered where the role may not ask', async () => {
    await bot.restart();
    await bot.fault({ on: 'logs:DescribeLogGroups', kind: 'AccessDeniedException', times: 0 });
    const message = await ask(bot, 'ada', 'C0LINE3', 'defects-resnet50', log('defects-resnet50'));
    expect(message.files).toHaveLength(1);
    expect(wordsOf(message)).not.toContain('_Complete_');
    expect((await doctor(bot, 'line-3'))['log group']).toMatch(/^warning: the role may not look at it/);
    bot.clearFaults();
  });
});
