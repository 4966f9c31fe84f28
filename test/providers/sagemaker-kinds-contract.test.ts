/** The contract on every kind of SageMaker's jobs, through the sandbox with the real SDK. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type AwsSandboxOptions, startAwsSandbox } from '#sandbox';
import { clusterId } from '#sandbox/seeds';
import { handClock } from '../../sandbox/test/aws/edge-support.ts';
import { ACCOUNT, KEYS, REGION, twoAccounts } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import { type KindName, SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { KIND_NAMES } from '../../src/domain/sagemaker-kinds.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { describeTrainingProvider } from '../contract/training-provider.ts';
import { KIND_JOBS, kindWorld, REASON } from '../fixtures/kind-world.ts';

const ADA = { team: 'T0', user: 'U0ADA' };
const LINE_3: UseCase = {
  ...{ id: 'line-3', name: 'Line 3 defects', channels: ['C0LINE3'], access: {} },
  aws: { account: ACCOUNT, region: REGION },
  providers: { sagemaker: { kinds: SAGEMAKER_NAMES } },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

interface Opened {
  providers: readonly TrainingProvider[];
}

/** Opened once: no kind's tests change anything of another kind. */
const opened: { close(): Promise<unknown> }[] = [];
afterAll(async () => {
  for (const one of opened) await one.close();
});

async function open(
  { world, clock }: Pick<AwsSandboxOptions, 'world' | 'clock'>,
  keys = KEYS,
  useCase = LINE_3,
): Promise<Opened & { environment: Record<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-kinds-'));
  const aws = await startAwsSandbox({ port: 0, ...{ world, clock }, quotas: 'off' });
  opened.push({ close: () => aws.close().then(() => rm(folder, { recursive: true })) });
  const variables = {
    ...{ AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: keys.accessKeyId },
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  Object.assign(process.env, variables);
  const gateway = createUseCaseGateway({
    clock: { now: () => Date.now() },
    ...{
      engine: createLogEngine({ spoolDir: folder, timing: passing() }),
      accounts: createAwsAccounts({ clock: clock! }),
    },
  });
  const { providers } = await gateway.open(useCase, ADA, 'logs');
  return { providers, environment: variables };
}

/** Nobody waits: where the end of a job is not known, late lines are waited for. */
function passing() {
  let passed = 0;
  return {
    now: () => Date.now() + passed,
    wait: async (ms: number) => {
      passed += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

let all: ReturnType<typeof open> | undefined;
async function openAll(): Promise<Opened> {
  const clock = handClock(Date.now());
  all ??= open({ clock, world: twoAccounts(kindWorld(clock.at)) });
  const { environment, providers } = await all;
  Object.assign(process.env, environment);
  return { providers };
}

const named = ({ providers }: Opened, name: KindName | 'sagemaker'): TrainingProvider =>
  providers.find((one) => one.name === name)!;

for (const name of KIND_NAMES.filter((kind) => kind !== 'compilation'))
  describeTrainingProvider(`SageMaker's ${name}`, async () => {
    const all = await openAll();
    return {
      ...{ provider: named(all, name), jobs: KIND_JOBS[name], close: async () => {} },
      ...(name === 'endpoint' || name === 'notebook' ? { over: 'stopped' as const } : {}),
      ...(name === 'cluster' ? { over: 'failed' as const, hidesEnds: true } : {}),
    };
  });

describe('[K1] logs of SageMaker’s kinds', () => {
  const textOf = async (source: LogSource): Promise<string[]> => {
    const texts: string[] = [];
    for (const { name } of await source.listStreams())
      for (let token: string | undefined; ; ) {
        const page = await source.readPage({ stream: name, direction: 'forward', from: 0, token });
        for (let at = 0; at < page.count; at += 1)
          texts.push(page.text.subarray(at === 0 ? 0 : page.ends[at - 1], page.ends[at]).toString());
        page.release?.();
        if (page.nextToken === undefined || page.nextToken === token) break;
        token = page.nextToken;
      }
    return texts;
  };

  it('are their own alone, although jobs of other kinds have the same name', async () => {
    const all = await openAll();
    for (const kind of KIND_NAMES.filter((one) => one !== 'compilation'))
      for (const name of Object.values(KIND_JOBS[kind])) {
        const says = new Set(
          (await textOf(named(all, kind).log(name))).map((text) => text.replace(/^.*? of /, '')),
        );
        const own =
          kind === 'tuning'
            ? [1, 2, 3].map((number) => `training ${name}-00${number}-0a1b2c3${number}`)
            : kind === 'pipeline'
              ? [`training pipelines-${name.split('-')[1]}-Train-kX93jdk2Lm`]
              : [`${kind} ${name}`];
        expect([...says].toSorted(), `${kind}:${name}`).toEqual(own);
      }
  });

  it('of a tuning job’s training jobs stand best first, with why others failed', async () => {
    const all = await openAll();
    const job = await named(all, 'tuning').getStatus('weld-3');
    expect(job?.parts).toMatchObject({
      ...{ thing: 'training job', total: 3, counts: { completed: 1, failed: 1, running: 1 } },
      causes: [{ count: 1, example: 'weld-3-002-0a1b2c32' }],
    });
    expect(job?.parts?.shown.map(({ name }) => name)).toEqual([
      ...['weld-3-001-0a1b2c31', 'weld-3-002-0a1b2c32', 'weld-3-003-0a1b2c33'],
    ]);
    expect(job?.parts?.shown[0]).toMatchObject({ note: 'validation:loss 0.5', job: 'weld-3-001-0a1b2c31' });
    const child = await named(all, 'sagemaker').getStatus('weld-3-001-0a1b2c31');
    expect(child?.parent).toBe('tuning:weld-3');
  });

  it('of a pipeline is the failing step’s, and its steps say what came from the cache', async () => {
    const all = await openAll();
    const job = await named(all, 'pipeline').getStatus('Weld-aaaaaaaaaaa2');
    expect(job).toMatchObject({
      ...{ state: 'failed', failureReason: REASON },
      parts: {
        ...{ thing: 'step', total: 2, counts: { completed: 1, failed: 1 } },
        shown: [
          { name: 'Prepare', state: 'completed', note: 'from the cache (aaaaaaaaaaa0)' },
          // In its ARN the name is in lower case.
          { name: 'Train', state: 'failed', job: expect.stringMatching(/^pipelines-aaaaaaaaaaa2-train-/i) },
        ],
        causes: [{ cause: REASON, count: 1, example: 'Train' }],
      },
    });
    const streams = await named(all, 'pipeline').log('Weld-aaaaaaaaaaa2').listStreams();
    expect(streams.map(({ shortName }) => shortName)).toEqual(['Train/algo-1']);
  });

  it('of a cluster are found by the id that its ARN has in place of the name', async () => {
    const clusters = named(await openAll(), 'cluster');
    const name = KIND_JOBS.cluster.running;
    const id = clusterId(name);
    const job = await clusters.getStatus(id);
    expect(job).toMatchObject({ name, arn: expect.stringMatching(`:cluster/${id}$`) });
    expect(await textOf(clusters.log(id))).toEqual(await textOf(clusters.log(name)));
    expect(await clusters.getStatus('zzzzzzzzzzzz')).toBeUndefined();
  });

  it('of compilations that belong to no training job are read too', async () => {
    const clock = handClock(Date.now());
    const BOT = { accessKeyId: 'AKIABOT', secretAccessKey: 'bot-secret' };
    const useCase = {
      ...LINE_3,
      aws: {
        ...{ account: '123456789012', region: 'eu-west-1', externalId: 'line-3-6f1d0c0e' },
        roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
      },
    };
    const all = await open({ clock, world: seededAwsWorld(clock.at, BOT) }, BOT, useCase);
    const provider = named(all, 'compilation');
    const [job] = await provider.jobs.list({ limit: 1 });
    expect(job?.facts?.Target).toBeDefined();
    expect(await provider.getStatus(job!.name)).toMatchObject({ name: job!.name, provider: 'compilation' });
  });
});
