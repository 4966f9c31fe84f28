/** The adapter against the sandbox's endpoint: with the assembled scanner, with the one in TypeScript, by plain JSON. */
import { vi } from 'vitest';
import { startAwsSandbox } from '#sandbox';
import { writtenSeries } from '#sandbox/seeds';
import { ACCOUNT, GROUP, KEYS, REGION, twoAccounts } from '../../sandbox/test/aws/support.ts';
import { describeLogSource, type LogSourceHarness, type SeededStream } from '../contract/log-source.ts';

const PAGE = '../../src/aws/cloudwatch-logs-page.ts';
const SCANNER = '../../src/aws/page-scanner.ts';

type Reader = 'assembled' | 'typescript' | 'json';

async function adapter(reader: Reader) {
  vi.resetModules();
  vi.doUnmock(PAGE);
  vi.doUnmock(SCANNER);
  if (reader === 'typescript')
    vi.doMock(SCANNER, async (original) => ({ ...(await original<object>()), pageArena: () => undefined }));
  if (reader === 'json')
    vi.doMock(PAGE, async (original) => {
      const page = await original<typeof import('../../src/aws/cloudwatch-logs-page.ts')>();
      return { ...page, readPage: page.parsePage };
    });
  return import('../../src/aws/cloudwatch-logs.ts');
}

async function open(
  reader: Reader,
  job: string,
  streams: readonly SeededStream[],
): Promise<LogSourceHarness> {
  const start = Math.min(...streams.flatMap(({ events }) => events.map(({ time }) => time)));
  const foreign = [`${job}-2/algo-1-1795150455`, `${job}0/algo-1-1795150455`].map((name) => ({
    name,
    events: [{ time: start, message: 'of another job' }],
  }));
  const aws = await startAwsSandbox({
    quotas: 'off',
    world: twoAccounts({
      logGroups: [
        {
          name: GROUP,
          createdAt: start - 1000,
          streams: [...streams, ...foreign].map(({ name, events }) => ({
            name,
            createdAt: start - 1000,
            series: writtenSeries(() => events.map(({ time, message }) => ({ at: time, message }))),
          })),
        },
      ],
    }),
  });
  const { createCloudWatchLogSource } = await adapter(reader);
  const source = createCloudWatchLogSource({
    account: ACCOUNT,
    region: REGION,
    credentials: KEYS,
    group: GROUP,
    job,
    secondLane: 'on',
    clientConfig: { endpoint: aws.url },
  });
  return { source, close: () => aws.close() };
}

for (const [reader, name] of [
  ['assembled', 'CloudWatch Logs'],
  ['typescript', 'CloudWatch Logs without WebAssembly'],
  ['json', 'CloudWatch Logs by plain JSON'],
] as const)
  describeLogSource(name, {
    open: (job, streams) => open(reader, job, streams),
    backward: true,
    secondLane: true,
  });
