/** The sandbox's AWS endpoint with the corpus, in a process of its own. Told what to do by messages of its parent. */
import { startAwsSandbox } from '#sandbox';
import { ACCOUNT, corpus, GROUP, JOB, REGION, START } from './log-corpus.ts';

interface Settings {
  latencyMs: number;
  jitterMs: number;
  /** Requests a second for each way of reading; 0: no limit. */
  quota: number;
}

const [streams = 2, events = 1_000_000] = process.argv.slice(2).map(Number);
const { seeds, schedules } = corpus(streams, events);
const end = Math.max(...schedules.map((schedule) => schedule.time(schedule.length - 1)));

const sandbox = await startAwsSandbox({
  clock: { now: () => Math.max(Date.now(), end + 3_600_000) },
  logCacheBytes: 3_000 * 1_048_576,
  world: {
    accounts: [
      {
        id: ACCOUNT,
        users: [
          {
            name: 'bench',
            accessKeyId: 'AKIABENCH',
            secretAccessKey: 'bench-secret',
            policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
          },
        ],
        regions: {
          [REGION]: {
            trainingJobs: [
              {
                name: JOB,
                transitions: [
                  { at: START, status: 'InProgress', secondary: 'Training' },
                  { at: end + 60_000, status: 'Completed', secondary: 'Completed' },
                ],
                image: 'bench',
                roleArn: `arn:aws:iam::${ACCOUNT}:role/Training`,
                instanceType: 'ml.g5.xlarge',
                instanceCount: streams,
                volumeGB: 50,
                maxRuntimeSeconds: 86_400,
                hyperParameters: {},
                channels: {},
                outputPath: 's3://bench/out',
                streams: seeds,
              },
            ],
          },
        },
      },
    ],
  },
});
if (events * streams <= 4_000_000) sandbox.warmLogs(ACCOUNT, REGION, GROUP);

process.on('message', (settings: Settings | 'stats') => {
  if (settings === 'stats') {
    process.send?.(sandbox.stats());
    return;
  }
  const { latencyMs, jitterMs, quota } = settings;
  sandbox.configure({
    latencyMs,
    jitterMs,
    quotas: quota === 0 ? 'off' : { GetLogEvents: quota, FilterLogEvents: quota },
  });
  sandbox.resetStats();
  process.send?.('ready');
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: sandbox.url });
