/** Events of the seeded use case Line 3, as AWS writes them, into the bot's queue. */
import { randomUUID } from 'node:crypto';
import type { Bot } from './bot.ts';
import { KnownJobs } from './known-jobs.ts';

const ACCOUNT = '123456789012';
const REGION = 'eu-west-1';

const SOURCES: Readonly<Record<string, string>> = {
  SageMaker: 'aws.sagemaker',
  CloudWatch: 'aws.cloudwatch',
  Greengrass: 'aws.greengrass',
};

/** @param resource what follows `arn:aws:<service>:<region>:<account>:`, behind its service: `sagemaker training-job/x` */
export function awsEvent(detailType: string, resource: string, detail: object) {
  const [service, name] = resource.split(' ');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source: SOURCES[detailType.split(' ', 1)[0]!],
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [`arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`],
    detail,
  };
}

/** @param more over what its detail says: `FailureReason`, `CreationTime` */
export function trainingEvent(job: string, status: string, more: Record<string, unknown> = {}) {
  const at = typeof more.LastModifiedTime === 'number' ? more.LastModifiedTime : Date.now();
  const event = awsEvent('SageMaker Training Job State Change', `sagemaker training-job/${job}`, {
    TrainingJobName: job,
    TrainingJobArn: `arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/${job}`,
    TrainingJobStatus: status,
    SecondaryStatus: status,
    CreationTime: at - 18 * 60_000,
    LastModifiedTime: at,
    ...more,
  });
  return { ...event, time: new Date(at).toISOString() };
}

export function alarmEvent(alarm: string, value: string, reason = 'Threshold Crossed') {
  return awsEvent('CloudWatch Alarm State Change', `cloudwatch alarm:${alarm}`, {
    alarmName: alarm,
    state: { value, reason, timestamp: new Date().toISOString() },
  });
}

/** Training jobs that they are about are made known to SageMaker first. @param bodies events, or texts of any kind */
export async function sendEvents(bot: Bot, ...bodies: unknown[]): Promise<void> {
  const texts = bodies.map((body) => (typeof body === 'string' ? body : JSON.stringify(body)));
  const known = jobsOf.get(bot.sandbox) ?? new KnownJobs();
  jobsOf.set(bot.sandbox, known);
  known.know(bot.sandbox.aws, texts);
  await sendRaw(bot, texts);
}

const jobsOf = new WeakMap<object, KnownJobs>();

/** As `sendEvents`, of jobs that SageMaker need not know. */
export async function sendRaw(bot: Bot, texts: readonly string[]): Promise<void> {
  const answer = await bot.post<{ ok: boolean; detail?: string }>('/sandbox/aws/events', {
    queue: 'signalbox-events',
    bodies: texts,
  });
  if (!answer.ok) throw new Error(answer.detail);
}
