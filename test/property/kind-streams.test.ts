/** No two jobs' streams mix, of whatever kinds of SageMaker's jobs they are and whatever they are called. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsSandbox, startAwsSandbox } from '#sandbox';
import { ACCOUNT, KEYS, REGION, twoAccounts } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { streamsOf } from '../../src/aws/log-streams.ts';
import { SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { KIND_NAMES } from '../../src/domain/sagemaker-kinds.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { type KindJobs, kindWorld, type Slot } from '../fixtures/kind-world.ts';

const USE_CASE: UseCase = {
  ...{ id: 'line-3', name: 'Line 3', channels: [], access: {} },
  aws: { account: ACCOUNT, region: REGION },
  providers: { sagemaker: { kinds: SAGEMAKER_NAMES } },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const SLOTS = ['completed', 'failed', 'running'] as const satisfies readonly Slot[];
/** Begin like one another, like a search's training jobs, a step's jobs and a machine's streams. */
const name = fc
  .array(fc.constantFrom('weld', 'w', '1', '001', '0a1b2c3f', 'algo-1', 'Weld', 'pipelines'), {
    ...{ minLength: 1, maxLength: 4 },
  })
  .map((parts) => parts.join('-'))
  .filter((one) => one.length <= 32);

describe('[K1] the log of a job', () => {
  let aws: AwsSandbox;
  let folder: string;
  let providers: readonly TrainingProvider[];
  const before = { ...process.env };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-kind-streams-'));
    aws = await startAwsSandbox({ port: 0, world: twoAccounts({}), quotas: 'off' });
    Object.assign(process.env, {
      ...{ AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: KEYS.accessKeyId },
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    });
    const clock = { now: () => Date.now() };
    const engine = createLogEngine({ spoolDir: folder });
    const gateway = createUseCaseGateway({ clock, engine, accounts: createAwsAccounts({ clock }) });
    ({ providers } = await gateway.open(USE_CASE, { team: 'T0', user: 'U0ADA' }, 'logs'));
  });
  afterAll(async () => {
    await aws.close();
    process.env = before;
    await rm(folder, { recursive: true });
  });

  /** Whose its lines say they are. */
  async function writersOf(source: LogSource): Promise<string[]> {
    const says = new Set<string>();
    for (const { name: stream } of await source.listStreams())
      for (let token: string | undefined; ; ) {
        const page = await source.readPage({ stream, direction: 'forward', from: 0, token });
        for (let at = 0; at < page.count; at += 1)
          says.add(
            page.text
              .subarray(at === 0 ? 0 : page.ends[at - 1], page.ends[at])
              .toString()
              .replace(/^.*? of /, ''),
          );
        page.release?.();
        if (page.nextToken === undefined || page.nextToken === token) break;
        token = page.nextToken;
      }
    return [...says].toSorted();
  }

  it('is its own alone, although jobs of all other kinds are called the same, or nearly', async () => {
    const taken = new Set<string>();
    let executions = 0;
    const names = fc.uniqueArray(name, { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(names, fc.constantFrom(...SLOTS), async (three, slot) => {
        // What is there from earlier runs stays: more and more that could be taken for one of these.
        fc.pre(three.every((one) => !taken.has(one)));
        for (const one of three) taken.add(one);
        const called = Object.fromEntries(SLOTS.map((one, at) => [one, three[at]!])) as Record<Slot, string>;
        const execution = (one: Slot) => `${called[one]}-${(executions++).toString(36).padStart(12, 'a')}`;
        const jobs = {
          ...Object.fromEntries(KIND_NAMES.map((kind) => [kind, called])),
          pipeline: Object.fromEntries(SLOTS.map((one) => [one, execution(one)])),
        } as unknown as KindJobs;
        const { kinds, trainingJobs } = kindWorld(Date.now(), jobs);
        for (const job of trainingJobs) aws.putTrainingJob(ACCOUNT, REGION, job);
        aws.putKinds(ACCOUNT, REGION, kinds);
        for (const { name: kind, log } of providers) {
          // The sandbox makes compilations as Neo does: see below.
          if (kind === 'compilation') continue;
          const job = kind === 'pipeline' ? jobs.pipeline[slot] : called[slot];
          expect(await writersOf(log(job)), `${kind}:${job}`).toEqual(ownOf(kind as SageMakerName, job));
        }
      }),
      { numRuns: 100 },
    );
  }, 240_000);

  it('of a compilation is in the stream of its name and those below, and in no other of the group', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 12 }), ([job = '', ...others]) => {
        const all = [job, ...others].flatMap((one) => [one, `${one}/ShapeInference`, `${one}-x/algo-1`]);
        const described = all.map((logStreamName) => ({ logStreamName }));
        const own = streamsOf(described, { job, ownStream: true }).map((one) => one.name);
        expect(own).toEqual([job, `${job}/ShapeInference`]);
      }),
      { numRuns: 100 },
    );
  });
});

function ownOf(kind: SageMakerName, job: string): string[] {
  if (kind === 'sagemaker') return [`training ${job}`];
  if (kind === 'tuning') return [1, 2, 3].map((number) => `training ${job}-00${number}-0a1b2c3${number}`);
  if (kind === 'pipeline') return [`training pipelines-${job.slice(-12)}-Train-kX93jdk2Lm`];
  return [`${kind} ${job}`];
}
