import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { bulkStreams, bulkWorld } from '../src/aws/bulk-log.ts';
import { startAwsSandbox } from '../src/aws/index.ts';

const ACCOUNT = '123456789012';
const REGION = 'us-east-1';
const GROUP = '/aws/sagemaker/TrainingJobs';
const KEYS = { accessKeyId: 'AKIABULKREADER000001', secretAccessKey: 'bulk' };
const options = { job: 'bulk', streams: 2, events: 60_000, seed: 11, end: Date.now() - 3_600_000 };

describe('[O7][L3] large generated logs', () => {
  it('arrive through the SDK exactly as they are computed, from both ends, from a small cache', async () => {
    const world = bulkWorld({ ...options, account: ACCOUNT, region: REGION, ...KEYS });
    const aws = await startAwsSandbox({ world, quotas: 'off', logCacheBytes: 1 << 20 });
    try {
      const client = new CloudWatchLogsClient({ endpoint: aws.url, region: REGION, credentials: KEYS });
      const { logStreams } = await client.send(
        new DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: 'bulk/' }),
      );
      const truth = bulkStreams(options);
      expect(logStreams!.map(({ logStreamName }) => logStreamName)).toEqual(truth.map(({ name }) => name));
      for (const [n, startFromHead] of [true, false].entries()) {
        const { name, series } = truth[n]!;
        const pages: { timestamp?: number; message?: string }[][] = [];
        let nextToken: string | undefined;
        for (;;) {
          const page = await client.send(
            new GetLogEventsCommand({ logGroupName: GROUP, logStreamName: name, startFromHead, nextToken }),
          );
          const next = startFromHead ? page.nextForwardToken : page.nextBackwardToken;
          if (next === nextToken) break;
          pages.push(page.events!);
          nextToken = next;
        }
        const events = (startFromHead ? pages : pages.reverse()).flat();
        expect(events).toHaveLength(options.events);
        const wrong = events.findIndex(
          ({ timestamp, message }, k) => timestamp !== series.time(k) || message !== series.message(k),
        );
        expect(wrong).toBe(-1);
      }
      expect(aws.stats().emptyPages).toBeGreaterThan(4);
    } finally {
      await aws.close();
    }
  });

  it('contain what breaks careless readers', () => {
    const [{ series }] = bulkStreams(options) as [ReturnType<typeof bulkStreams>[number]];
    const text = Array.from({ length: 5000 }, (_, n) => series.message(n));
    for (const odd of ['\n', '\r', '\u001b[', '\t', '"', '\\', 'ß', '画', '🏭']) {
      expect(
        text.some((message) => message.includes(odd)),
        JSON.stringify(odd),
      ).toBe(true);
    }
    expect(new Set(text).size).toBe(text.length);
  });
});
