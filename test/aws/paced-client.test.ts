import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-sagemaker';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RATES, RequestPaces } from '../../src/aws/paced-client.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { Budgets, Rate, Window } from '../../src/ports/budgets.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';

const ANSWER = new TextEncoder().encode('{}');

/** A client whose requests go nowhere. @param statuses of the answers in turn, the last one again and again */
function client(sent: string[], statuses: number[] = [200]): SageMakerClient {
  return new SageMakerClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    maxAttempts: 2,
    requestHandler: {
      handle: async (request: { headers: Record<string, string> }) => {
        sent.push(String(request.headers['x-amz-target']).split('.')[1]!);
        const statusCode = (statuses.length > 1 ? statuses.shift() : statuses[0])!;
        const headers = { 'content-type': 'application/x-amz-json-1.1' };
        const body =
          statusCode === 200
            ? ANSWER
            : new TextEncoder().encode('{"__type":"ThrottlingException","message":"Rate exceeded"}');
        return { response: { statusCode, headers, body } };
      },
    } as never,
  });
}

/** Tells what was taken and held; each second request has to wait for a moment. */
function budgets(): Budgets & {
  taken: [name: string, rate: Rate | Window, left: number | undefined][];
  held: string[];
} {
  const taken: [string, Rate | Window, number | undefined][] = [];
  const held: string[] = [];
  let asked = 0;
  return {
    ...{ taken, held },
    take: async (name, rate, { left } = {}) => {
      asked += 1;
      if (asked % 2 === 0) return { taken: 0, wait: 1 };
      taken.push([name, rate, left]);
      return { taken: 1, wait: 0 };
    },
    hold: async (name) => void held.push(name),
  };
}

const PLACE = '123456789012/eu-west-1';
/** What accounts see, requests a second; the first that fits counts. */
const RATES_SEEN = [
  [/(?:ListInstalledComponents|ListEffectiveDeployments)$/, 20],
  [
    /(?:DescribeCluster|ForHyperParameterTuningJob|ListPipelineExecutionSteps|ListComponents|ListCoreDevices)$/,
    5,
  ],
  [/(?:Describe|Get)\w+$|ListTags$|ListComponentVersions$/, 10],
  [/(?:Create|Stop|List)\w+$/, 2],
] as const;
const rateSeen = (name: string): number => RATES_SEEN.find(([which]) => which.test(name))![1];
const person = { inBackground: false };

describe('requests that an account may make a few of a second', () => {
  it('take of the account’s budget for that operation, each try of its own', async () => {
    const kept = budgets();
    const sent: string[] = [];
    const paced = new RequestPaces(kept).paced(client(sent), PLACE, person);
    await paced.send(new sdk.ListClustersCommand({}));
    await paced.send(new sdk.ListJobsCommand({ JobCategory: 'AgentRFT' }));
    // Asked by nobody here, and so not known.
    await paced.send(new sdk.DescribeAppCommand({ DomainId: 'd-1', AppType: 'JupyterServer', AppName: 'a' }));
    expect(sent).toEqual(['ListClusters', 'ListJobs', 'DescribeApp']);
    expect(kept.taken.map(([name]) => name)).toEqual([`aws ${PLACE} ListClusters`, `aws ${PLACE} ListJobs`]);
  });

  it('are known, all that this program makes of SageMaker and Greengrass, and are fewer than accounts see', () => {
    const sources = ['src/aws', 'src/providers', 'src/providers/sagemaker-kinds'].flatMap((folder) =>
      readdirSync(folder).flatMap((name) =>
        name.endsWith('.ts') && (/^(?:sagemaker|greengrass|neo)/.test(name) || folder.endsWith('kinds'))
          ? [readFileSync(join(folder, name), 'utf8')]
          : [],
      ),
    );
    const made = new Set(
      sources.flatMap((text) =>
        [...text.matchAll(/new (?:[a-z]+\.)*([A-Z]\w+)Command\(/g)].map(([, name]) => name!),
      ),
    );
    expect(made.size).toBeGreaterThan(30);
    expect([...made].filter((name) => !RATES[name])).toEqual([]);
    for (const [operation, { perSecond, burst }] of Object.entries(RATES)) {
      const seen = rateSeen(operation);
      expect([operation, perSecond <= seen && burst <= seen]).toEqual([operation, true]);
    }
  });

  it('leave some for people where the background asks', async () => {
    const kept = budgets();
    const paces = new RequestPaces(kept);
    for (const inBackground of [true, false])
      await paces.paced(client([]), PLACE, { inBackground }).send(new sdk.ListEndpointsCommand({}));
    expect(kept.taken.map(([, , left]) => left)).toEqual([1, 0]);
  });

  it('are held by all when AWS has refused one', async () => {
    const kept = budgets();
    const sent: string[] = [];
    const paced = new RequestPaces(kept).paced(client(sent, [400, 200]), PLACE, person);
    await paced.send(new sdk.ListPipelinesCommand({}));
    expect(sent).toHaveLength(2);
    expect(kept.taken).toHaveLength(2);
    expect(kept.held).toEqual([`aws ${PLACE} ListPipelines`]);
  });

  it('go at once where nobody keeps a budget, or none can be asked', async () => {
    const down = () => Promise.reject(new AppError('unavailable', 'the database is down'));
    for (const none of [undefined, { take: down, hold: down }]) {
      const sent: string[] = [];
      const paced = new RequestPaces(none).paced(client(sent), PLACE, person);
      await paced.send(new sdk.ListClustersCommand({}));
      expect(sent).toEqual(['ListClusters']);
    }
  });

  it('are never more than AWS lets an account have, whoever asks and whenever', async () => {
    const operation = fc.constantFrom(
      { send: () => new sdk.ListClustersCommand({}) },
      { send: () => new sdk.ListJobsCommand({ JobCategory: 'AgentRFT' }) },
      { send: () => new sdk.DescribeClusterCommand({ ClusterName: 'c' }) },
      { send: () => new sdk.DescribeJobCommand({ JobName: 'j', JobCategory: 'AgentRFT' }) },
    );
    // Made once, for that takes far longer than a request: who paces one again takes it over.
    const [people, background] = [client([]), client([])];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(operation, fc.boolean(), fc.nat({ max: 3 })), { minLength: 1, maxLength: 12 }),
        async (asking) => {
          // A thousand times as fast as the world's.
          let now = 0;
          const clock = {
            now: () => {
              now = performance.now() * 1_000;
              return now;
            },
          };
          const inProcess = new InProcessBudgets(clock);
          const goes: { name: string; at: number }[] = [];
          const paces = new RequestPaces({
            take: async (name, ...how) => {
              const asked = inProcess.take(name, ...how);
              const at = now;
              const { taken, wait } = await asked;
              if (taken > 0) goes.push({ name, at });
              return { taken, wait: wait / 1_000 };
            },
            hold: (...args) => inProcess.hold(...args),
          });
          for (const [one, inBackground] of [
            [people, false],
            [background, true],
          ] as const)
            paces.paced(one, PLACE, { inBackground });
          await Promise.all(
            asking.map(async ([{ send }, inBackground, after]) => {
              for (let turn = 0; turn < after; turn++) await new Promise(setImmediate);
              await (inBackground ? background : people).send(send() as never);
            }),
          );
          expect(goes).toHaveLength(asking.length);
          // What a bucket of one second's worth gives that is filled all the time.
          for (const [index, first] of goes.entries()) {
            const perSecond = rateSeen(first.name);
            const since = goes.slice(index).filter(({ name }) => name === first.name);
            for (const [more, { at }] of since.entries())
              expect(more + 1).toBeLessThanOrEqual(perSecond + ((at - first.at) * perSecond) / 1_000);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
