/** SageMaker's other kinds of jobs, from a command in Slack to a log, a card and an alert. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AwsWorld } from '#sandbox/seeds';
import { KIND_ACTIONS } from '../../src/demo/roles.ts';
import { KIND_NAMES, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { textsOf, wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { closeAll, modal, until } from './jobs.ts';
import { starting, startNightSearch, withKinds } from './kind-worlds.ts';

it('[K2] the demo’s role may do what the kinds need, and nothing else for them', () => {
  const rows = KIND_NAMES.filter((name) => name !== 'compilation').map(
    (name) => SAGEMAKER_KINDS[name].actions,
  );
  const needed = rows.flatMap(({ list, look, stop }) => [...list, ...look, ...stop]);
  const training = new Set(['DescribeTrainingJob']);
  expect(KIND_ACTIONS.toSorted()).toEqual(
    [...new Set(needed)].filter((one) => !training.has(one)).toSorted(),
  );
});

describe('[K1] a use case that shows every kind of SageMaker’s jobs', () => {
  let bot: Bot;
  /** Milliseconds by which the bot's clock is ahead of AWS's: its lists come round sooner. */
  let ahead = 0;
  beforeAll(async () => {
    bot = await startBot({
      ...{ config: withKinds('all'), world: starting },
      clock: { now: () => Date.now() + ahead, elapsed: () => performance.now() + ahead },
    });
  });
  afterAll(() => bot?.stop());

  const ask = async (args: string, answer: string, command?: string) => {
    const since = await bot.now('C0LINE3');
    expect(await bot.command('ada', 'C0LINE3', args, command)).toMatchObject({ ok: true });
    return await bot.message('C0LINE3', answer, { since, user: 'ada' });
  };
  const textOf = async (args: string, name: string): Promise<string> => {
    const answer = await ask(`${args} --plain`, `Log of \`${name}\`* ·`);
    return (await bot.content(answer.files![0]!)).toString();
  };

  it.each([
    ['labels-merge', 'pandas.errors.MergeError'],
    ['night-shift-score', 'part-00037.csv: ClientError: 500'],
    ['processing:panels-score', ''],
    ['training:defects-resnet50', ''],
    ['inspection', ''],
    ['weld-pretraining', ''],
    ['ada-panels', ''],
    ['inspector-agent', ''],
    ['line-3-retrain-q6b1nyc8g4ld', "KeyError: 'accuracy'"],
  ])('has the log of %s as a file', async (name, says) => {
    const text = await textOf(name, name.replace(/^\w+:/, ''));
    expect(text).toContain(says);
    expect(text.split('\n').length).toBeGreaterThan(5);
  });

  it('has the failing step’s log alone of a pipeline that failed', async () => {
    const text = await textOf('line-3-retrain-q6b1nyc8g4ld', 'line-3-retrain-q6b1nyc8g4ld');
    const streams = /^# streams {6}(.*)$/m.exec(text)?.[1];
    expect(streams).toMatch(/^EvaluateModel: pipelines-q6b1nyc8g4ld-EvaluateModel-\w+\/algo-1-\d+ \(/);
    expect(text).not.toContain('SplitData of');
  });

  it('asks which one is meant where a name is in two kinds', async () => {
    const answer = await ask('panels-score', 'Which one?');
    expect(wordsOf(answer)).toContain('2 jobs are called');
    expect(textsOf(answer.blocks)).toMatch(/Processing job[\s\S]*Transform job/);
  });

  it('lists them with their kinds, and shows what a tuning job and a pipeline are made of', async () => {
    const table = await ask('kind:tuning', 'defects-lr-search', '/jobs');
    expect(textsOf(table.blocks)).toMatch(/Any state[\s\S]*State\s+Job\s+/);
    expect(textsOf(table.blocks)).toContain('Kind');
    expect(textsOf(table.blocks)).not.toContain('Any training state');
    const open = (ts: string) =>
      bot.action('ada', 'compile.details:0', { channel: 'C0LINE3', message_ts: ts });
    expect(await open(table.ts)).toMatchObject({ ok: true });
    const tuning = await modal(bot, 'ada', '50 training jobs');
    expect(textsOf(tuning.blocks)).toMatch(/❌ \d+ × .*memory/i);
    await closeAll(bot, 'ada');
    const other = await ask('line-3-retrain-q6b', 'line-3-retrain-q6b1nyc8g4ld', '/jobs');
    await open(other.ts);
    const pipeline = await modal(bot, 'ada', /6 steps/);
    expect(textsOf(tuning.blocks)).toContain('ran out of memory (as ');
    expect(textsOf(pipeline.blocks)).toMatch(/from the cache \(k3v8qam70dbe\)/);
    expect(textsOf(pipeline.blocks)).toMatch(/EvaluateModel.*failed/);
    await closeAll(bot, 'ada');
    // AWS does not say when a service began.
    await open((await ask('kind:cluster', 'weld-pretraining', '/jobs')).ts);
    const cluster = await modal(bot, 'ada', 'Instance groups');
    expect(textsOf(cluster.blocks)).not.toContain('Started');
    await closeAll(bot, 'ada');
  });

  it('has one card for a new tuning job, and none for its training jobs', async () => {
    await startNightSearch(bot.sandbox, { trainings: 3, atATime: 2 });
    const saying = async (words: string) =>
      (await bot.messages('C0LINE3')).filter(
        ({ text, ephemeral_to }) => !ephemeral_to && text.startsWith(words),
      );
    const told = await until(async () => {
      ahead += 30_000;
      const [card] = await saying('Tuning job `night-search`: tuning completed');
      return card;
    }, 'the card of night-search');
    expect(textsOf(told.blocks)).toContain('3 training jobs');
    expect(JSON.stringify(told.blocks)).toContain('night-search-00');
    expect(await saying('Training job `night-search-')).toEqual([]);
    expect(await saying('Tuning job `night-search`')).toHaveLength(1);
  }, 240_000);
});

describe('[K1] a role that may not see a kind', () => {
  const without =
    (action: string) =>
    (seeded: AwsWorld): AwsWorld => ({
      accounts: seeded.accounts.map((account) => ({
        ...account,
        roles: (account.roles ?? []).map((role) => ({
          ...role,
          policy: JSON.parse(JSON.stringify(role.policy).replaceAll(`"sagemaker:${action}",`, '')),
        })),
      })),
    });
  let bot: Bot;
  let world: AwsWorld;
  beforeAll(async () => {
    bot = await startBot({
      config: withKinds(['training', 'processing', 'transform', 'tuning']),
      world: (seeded) => {
        world = without('ListTransformJobs')(without('DescribeTransformJob')(starting(seeded)));
        world = without('DescribeHyperParameterTuningJob')(world);
        return world;
      },
    });
  });
  afterAll(() => bot?.stop());

  const table = async (asked = '-s'): Promise<string> => {
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', asked, '/jobs');
    return textsOf((await bot.message('C0LINE3', '', { since, user: 'ada' })).blocks);
  };

  it('takes nothing away from the others, and is said where a name was not found', async () => {
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', 'labels-merge --plain');
    await bot.message('C0LINE3', 'Log of `labels-merge`* ·', { since });
    await bot.command('ada', 'C0LINE3', 'labels-merged');
    const answer = await bot.message('C0LINE3', 'There is no job `labels-merged`', { since });
    expect(wordsOf(answer)).toContain('Not looked at: transform jobs');
    expect(textsOf(answer)).toContain('processing:labels-merge');
  });

  it('is said of failures inside searches that the role may list and not look at', async () => {
    await startNightSearch(bot.sandbox, { trainings: 1, atATime: 1 });
    const card = await until(async () => {
      bot.pass(60_000);
      const all = await bot.messages('C0LINE3');
      return all.find(
        ({ text, blocks }) =>
          text.startsWith('Tuning job `night-search`') && textsOf(blocks).includes('Last checked'),
      );
    }, 'a card that says what could not be looked at');
    expect(textsOf(card.blocks)).toMatch(/AWS refused to find the tuning job night-search/);
    expect(await table('kind:tuning')).toContain(
      'Only listed: tuning jobs, because the use case’s role may not look at a single one',
    );
    expect(await table('kind:tuning')).toContain('What fails inside tuning jobs is not told of either.');
  }, 240_000);

  it('is said in the table of jobs, until the role may', async () => {
    const said = await until(async () => {
      const text = await table();
      return text.includes('panels-score') && text.includes('Not looked at') ? text : undefined;
    }, 'the table without transform jobs');
    expect(said).toContain('Not looked at: transform jobs, because the use case’s role may not.');
    expect(said).not.toContain('night-shift-score');
    // As when an admin of the account changes the role's policy.
    const allowed = { Effect: 'Allow' as const, Action: 'sagemaker:*TransformJob*', Resource: '*' };
    for (const { policy } of world.accounts.flatMap(({ roles = [] }) => roles))
      Object.assign(policy, { Statement: [...policy.Statement, allowed] });
    await until(async () => {
      bot.pass(5 * 60_000);
      const text = await table();
      return text.includes('night-shift-score') && !text.includes('Not looked at') ? true : undefined;
    }, 'the table with transform jobs');
  });
});
