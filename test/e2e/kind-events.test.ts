/** A failing job of each of SageMaker's kinds: what the sandbox's EventBridge tells of it becomes one card and one alert. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { instanceId, type KindSeeds } from '#sandbox/seeds';
import { COMPILE } from '../../src/blocks/compile-ids.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { awsEvent, sendRaw } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import {
  ACCOUNT,
  failingPipeline,
  failingSearch,
  log,
  lookingAtKinds,
  REGION,
  ROLE,
  trainingJob,
  way,
} from './failing-kinds.ts';
import { closeAll, modal, until } from './jobs.ts';
import { withKinds } from './kind-worlds.ts';

const CARDS = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const MINUTE = 60_000;

let bot: Bot;
let ahead = 0;

beforeAll(async () => {
  bot = await startBot({
    // The role may look at everything but transform jobs.
    world: lookingAtKinds(['ListTransformJobs', 'DescribeTransformJob']),
    clock: { now: () => Date.now() + ahead },
    config: (yaml) => {
      const config = parse(withKinds('all')(yaml));
      config.useCases[0].onCall = { levels: [['U0BEN']], escalateAfter: '7d' };
      return stringify(config);
    },
  });
});
afterAll(() => bot?.stop());

const put = (kinds: KindSeeds) => bot.sandbox.aws.putKinds(ACCOUNT, REGION, kinds);

const top = async (channel: string, says: string): Promise<SandboxMessage[]> =>
  (await bot.messages(channel)).filter(
    (one) =>
      one.ephemeral_to === undefined &&
      (!one.thread_ts || one.thread_ts === one.ts) &&
      wordsOf(one).includes(says),
  );

const saysAll = (message: SandboxMessage, says: readonly (string | RegExp)[]): boolean => {
  const words = wordsOf(message);
  return says.every((word) => (typeof word === 'string' ? words.includes(word) : word.test(words)));
};

/** The one alert about it, once it says all of this. */
const alertOf = (name: string, ...says: (string | RegExp)[]): Promise<SandboxMessage> => {
  let seen = '';
  return until(
    async () => {
      const found = await top(ALERTS, `\`${name}\``);
      seen = found.map(wordsOf).join('\n---\n');
      return found.find((one) => saysAll(one, says));
    },
    `an alert of ${name} that says ${says.join(', ')}`,
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; there is:\n${seen}`);
  });
};

/** It has one card, which says this, and one alert. */
async function isToldOnce(thing: string, name: string, ...says: (string | RegExp)[]): Promise<void> {
  await until(
    async () => {
      const [card] = await top(CARDS, `${thing} \`${name}\``);
      return card && saysAll(card, says) ? card : undefined;
    },
    `a card of ${name} that says ${says.join(', ')}`,
    60_000,
  );
  expect(await top(CARDS, `${thing} \`${name}\``)).toHaveLength(1);
  expect(await top(ALERTS, `\`${name}\``)).toHaveLength(1);
}

describe('[K3] one card and one alert with its cause', () => {
  it('of a processing job, with the end of its log', async () => {
    put({
      processing: [
        {
          name: 'e2e-prep',
          transitions: way('InProgress', 'InProgress', 'Failed'),
          failureReason: 'AlgorithmError: , exit code: 1',
          streams: [log('e2e-prep/algo-1-1', 'reading', 'ValueError: part 7 has rows without a label')],
        },
      ],
    });
    await alertOf('e2e-prep', '*Processing failed*', 'exit code: 1', 'part 7 has rows without a label');
    await isToldOnce('Processing job', 'e2e-prep', 'failed', 'exit code: 1');
    expect(await bot.pinged(ALERTS)).toContain('U0BEN');
  });

  it('of a transform job that the role may not look at: only the event says so, and that is said', async () => {
    put({
      transform: [
        {
          name: 'e2e-predict',
          transitions: way('InProgress', 'InProgress', 'Failed'),
          failureReason: 'ClientError: the model answers nothing',
        },
      ],
    });
    const alert = await alertOf(
      'e2e-predict',
      '*Transform failed*',
      'the model answers nothing',
      '*Not confirmed*',
    );
    expect(wordsOf(alert)).toContain('AWS refused to find the transform job');
    await isToldOnce('Transform job', 'e2e-predict', 'failed');
    // The others are told as ever.
    put({
      processing: [
        {
          name: 'e2e-beside',
          transitions: way('InProgress', 'Failed'),
          failureReason: 'ClientError: nothing to read',
        },
      ],
    });
    expect(wordsOf(await alertOf('e2e-beside', '*Processing failed*'))).not.toContain('Not confirmed');
    // Where a name is not found, it is said who was not asked.
    const since = await bot.now(CARDS);
    await bot.command('ada', CARDS, 'e2e-nowhere', '/logs');
    const answer = await bot.message(CARDS, 'e2e-nowhere', { user: 'ada', since });
    await until(
      async () =>
        (await bot.messages(CARDS)).find(
          (one) => one.ts >= answer.ts && wordsOf(one).includes('Not looked at: transform jobs'),
        ),
      'what was not looked at',
      60_000,
    );
  });

  it('of a tuning job with 500 training jobs, of which 40 fail for one cause', async () => {
    const name = 'e2e-search';
    put({ tuning: [failingSearch(name)] });
    await alertOf(name, '*Tuning failed (40 of 500 training jobs)*', 'CUDA out of memory');
    await isToldOnce('Tuning job', name, '500 training jobs', '40 failed');
    expect(await top(CARDS, `Training job \`${name}`)).toEqual([]);
    expect(await top(ALERTS, '*Training failed*')).toEqual([]);
  });

  it('of a pipeline of 60 steps, cached and skipped ones too', async () => {
    const id = 'e2eabc123def';
    const { execution, job } = failingPipeline('E2eWeld', id);
    bot.sandbox.aws.putTrainingJob(ACCOUNT, REGION, job);
    put({ pipeline: [execution] });
    await alertOf(
      `E2eWeld-${id}`,
      '*Pipeline failed (1 of 60 steps)*',
      'Train: AlgorithmError',
      'CUDA out of memory',
    );
    await isToldOnce('Pipeline execution', `E2eWeld-${id}`, '60 steps', '1 failed');
    expect(await top(CARDS, `Training job \`${job.name}`)).toEqual([]);
    expect(await top(ALERTS, '*Training failed*')).toEqual([]);
  });

  it('of an endpoint, a notebook instance and a cluster', async () => {
    const variant = { name: 'AllTraffic', modelName: 'weld', image: 'image', instanceType: 'ml.g5.xlarge' };
    put({
      endpoint: [
        {
          ...{ name: 'E2eServe', configName: 'e2e-1', variants: [{ ...variant, instanceCount: 1 }] },
          transitions: way('Creating', 'Failed'),
          failureReason:
            'The primary container for production variant AllTraffic did not pass the ping health check.',
        },
      ],
      notebook: [
        {
          ...{ name: 'e2e-lab', transitions: way('Pending', 'Failed') },
          failureReason: 'Notebook Instance Lifecycle Config took longer than 5 minutes.',
          details: { InstanceType: 'ml.t3.medium', VolumeSizeInGB: 5, RoleArn: ROLE },
        },
      ],
      cluster: [
        {
          ...{ name: 'e2e-big', transitions: way('Creating', 'Failed') },
          failureReason: 'Lifecycle scripts did not run successfully.',
          groups: [
            {
              ...{ name: 'workers', instanceType: 'ml.g5.xlarge', count: 1, roleArn: ROLE },
              scripts: 's3://line-3-models/lifecycle/',
            },
          ],
          nodes: [{ group: 'workers', id: instanceId('e2e-big'), launchedAt: Date.now() - MINUTE }],
        },
      ],
    });
    await alertOf('E2eServe', '*Endpoint failed*', 'ping health check');
    await isToldOnce('Endpoint', 'E2eServe', 'failed');
    await alertOf('e2e-lab', '*Notebook failed*', 'took longer than 5 minutes');
    await isToldOnce('Notebook instance', 'e2e-lab', 'failed');
    await alertOf('e2e-big', '*Cluster failed*', 'Lifecycle scripts');
    await isToldOnce('HyperPod cluster', 'e2e-big', 'failed');
  });

  it('of a generic job, of which no event tells: it is asked about', async () => {
    put({
      job: [
        {
          ...{ name: 'AgentRFT/e2e-agent', roleArn: ROLE, transitions: way('InProgress', 'Failed') },
          failureReason: 'ClientError: 64 of 64 rollouts failed',
        },
      ],
    });
    ahead += 3 * MINUTE;
    await alertOf('e2e-agent', '*Job failed*', '64 of 64 rollouts failed');
    await isToldOnce('SageMaker job', 'e2e-agent', 'failed');
  });

  it('of a training job of AWS Batch, whose own events are about the same', async () => {
    bot.sandbox.aws.putTrainingJob(
      ACCOUNT,
      REGION,
      trainingJob('AWSBatche2e-night88b610a69aa8380c', 'Failed', {
        batch: {
          ...{ id: '4c7599ae-0a82-49aa-ba5a-4727fcce14a8', name: 'e2e-night', queue: 'gpus' },
          submittedAt: Date.now() - 3 * MINUTE,
        },
      }),
    );
    await alertOf('AWSBatche2e-night88b610a69aa8380c', '*Training failed*', 'CUDA out of memory');
    await isToldOnce('Training job', 'AWSBatche2e-night88b610a69aa8380c', 'failed');
    const [card] = await top(CARDS, 'Training job `AWSBatche2e-night88b610a69aa8380c`');
    await bot.action('ada', COMPILE.details, { channel: CARDS, message_ts: card!.ts });
    await modal(bot, 'ada', 'e2e-night in gpus');
    await closeAll(bot, 'ada');
  });
});

describe('[K3] subscriptions', () => {
  it('to model packages', async () => {
    await bot.command('devika', 'C0GENERAL', 'subscribe line-3 model', '/signalbox');
    await bot.message('C0GENERAL', 'is now subscribed to');
    const event = awsEvent('SageMaker Model Package State Change', 'sagemaker model-package/weld/3', {
      ...{ ModelPackageGroupName: 'weld', ModelPackageVersion: 3, ModelPackageStatus: 'Completed' },
      ...{ ModelApprovalStatus: 'Approved', LastModifiedTime: Date.now() },
    });
    await sendRaw(bot, [JSON.stringify(event), JSON.stringify({ ...event, id: `${event.id}-again` })]);
    await bot.message('C0GENERAL', 'Model package approved');
    expect(await top('C0GENERAL', 'Model package approved')).toHaveLength(1);
  });
});
