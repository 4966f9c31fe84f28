/** What events of SageMaker's kinds make on-call and subscribed channels see. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { awsEvent, sendRaw } from '../e2e/aws-events.ts';
import type { Bot } from '../e2e/bot.ts';
import { ACCOUNT, failingPipeline, failingSearch, lookingAtKinds, REGION } from '../e2e/failing-kinds.ts';
import { until } from '../e2e/jobs.ts';
import { withKinds } from '../e2e/kind-worlds.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Pictures, startPictures } from './pictures.ts';

const ALERTS = 'C0ALERTS';
const GENERAL = 'C0GENERAL';
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[K3, N3] events of every kind, in a browser', () => {
  let pictures: Pictures;
  let bot: Bot;

  beforeAll(async () => {
    pictures = await startPictures({
      world: lookingAtKinds(),
      config: withKinds('all'),
    });
    ({ bot } = pictures);
    await bot.command('devika', GENERAL, 'subscribe line-3 model endpoint', '/signalbox');
    await bot.message(GENERAL, 'is now subscribed to');
  }, 120_000);
  afterAll(() => pictures?.stop());

  const said = (channel: string, ...says: string[]) =>
    until(
      async () =>
        (await bot.messages(channel)).find((one) => says.every((word) => wordsOf(one).includes(word))),
      `a message that says ${says.join(', ')}`,
    );
  const picture = async (name: string, channel: string, words: string): Promise<void> => {
    await pictures.visit(channel);
    await pictures.take(name, pictures.message(words));
  };

  it('what failed of a tuning job and of a pipeline is one alert by cause', async () => {
    bot.sandbox.aws.putKinds(ACCOUNT, REGION, { tuning: [failingSearch('weld-search')] });
    await said(ALERTS, 'weld-search', 'Tuning failed', 'CUDA out of memory', 'epoch 1');
    await picture('alert-tuning', ALERTS, 'weld-search');
    const { execution, job } = failingPipeline('WeldRetraining', 'p4jn9xou8a8s');
    bot.sandbox.aws.putTrainingJob(ACCOUNT, REGION, job);
    bot.sandbox.aws.putKinds(ACCOUNT, REGION, { pipeline: [execution] });
    await said(ALERTS, 'WeldRetraining-p4jn9xou8a8s', 'Pipeline failed', 'epoch 1');
    await picture('alert-pipeline', ALERTS, 'WeldRetraining-p4jn9xou8a8s');
  });

  it('a model package, and a deployment of an endpoint, in a subscribed channel', async () => {
    const model = awsEvent('SageMaker Model Package State Change', 'sagemaker model-package/weld-seams/7', {
      ...{ ModelPackageGroupName: 'weld-seams', ModelPackageVersion: 7, ModelPackageStatus: 'Completed' },
      ...{ ModelApprovalStatus: 'Approved', ApprovalDescription: 'F1 0.93 on the held-out night shift' },
      ModelLifeCycle: { Stage: 'Staging', StageStatus: 'PendingApproval' },
      LastModifiedTime: Date.now(),
    });
    const deployment = awsEvent(
      'SageMaker Endpoint Deployment State Change',
      'sagemaker endpoint/weld-inspection',
      {
        ...{ EndpointName: 'weld-inspection', EndpointStatus: 'UPDATING', LastModifiedTime: Date.now() },
        PendingDeploymentSummary: {
          EndpointConfigName: 'weld-inspection-7',
          ProductionVariants: [
            {
              VariantStatus: [
                {
                  Status: 'Baking',
                  StatusMessage:
                    'Baking for 600 seconds (TerminationWaitInSeconds) with traffic enabled on canary capacity of 1 instance(s).',
                  StartTime: Date.now(),
                },
              ],
            },
          ],
        },
      },
    );
    await sendRaw(
      bot,
      [model, deployment].map((event) => JSON.stringify(event)),
    );
    await said(GENERAL, 'Model package approved');
    await picture('announcement-model', GENERAL, 'Model package approved');
    await said(GENERAL, 'Endpoint updating');
    await picture('announcement-endpoint', GENERAL, 'Endpoint updating');
  });
});
