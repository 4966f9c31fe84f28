/** Links into the AWS console, in the right partition and region. */
import { readJobKey } from './job-keys.ts';
import { COMPILATION_LOG_GROUP, TRAINING_LOG_GROUP } from './log-groups.ts';
import type { SageMakerName } from './providers.ts';
import { logGroupOf, SAGEMAKER_KINDS } from './sagemaker-kinds.ts';

/** Base per partition; every path also carries the region. */
function consoleUrl(region: string): string {
  if (region.startsWith('cn-')) return `https://${region}.console.amazonaws.cn`;
  if (region.startsWith('us-gov-')) return `https://${region}.console.amazonaws-us-gov.com`;
  return `https://${region}.console.aws.amazon.com`;
}

/** A use case without an AWS account has no page. @param url one of those below */
export function inConsole(
  { aws }: { aws?: { region: string } | undefined },
  url: (region: string, name: string) => string,
  name: string,
): string | undefined {
  return aws && url(aws.region, name);
}

/** A training job's page, where it runs on SageMaker. @param key of job-keys.ts */
export function trainingPage(
  useCase: { aws?: { region: string } | undefined },
  key: string,
): string | undefined {
  const { provider, name } = readJobKey(key);
  return provider === 'sagemaker' ? inConsole(useCase, trainingJobUrl, name) : undefined;
}

/** A page of the AWS console, in any partition: the only links read for the job they show. */
export function isConsoleUrl(url: string): boolean {
  const host = /^https?:\/\/([^/?#]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';
  return /(?:^|\.)console\.(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)$/.test(host);
}

function home(region: string, service: 'sagemaker' | 'cloudwatch' | 'iot'): string {
  return `${consoleUrl(region)}/${service}/home?region=${encodeURIComponent(region)}`;
}

/** As in a URL, and safe inside mrkdwn's `<url|text>`: everything but letters, digits and `-._~` encoded. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\uFFFD')).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** CloudWatch's own encoding inside its fragment: encoded twice, `%` written `$`. */
function encodeForLogs(text: string): string {
  return encode(encode(text)).replaceAll('%', '$');
}

export function trainingJobUrl(region: string, job: string): string {
  return `${home(region, 'sagemaker')}#/jobs/${encode(job)}`;
}

export function compilationJobUrl(region: string, compilationJob: string): string {
  return `${home(region, 'sagemaker')}#/compilation-jobs/${encode(compilationJob)}`;
}

/** All streams of one training job and of no other: the slash is part of the filter. */
export function trainingLogUrl(region: string, job: string): string {
  return logStreamsUrl(region, TRAINING_LOG_GROUP, `${job}/`);
}

/** The compile log and the stream that tells how the input's shape was read. */
export function compilationLogUrl(region: string, compilationJob: string): string {
  return logStreamsUrl(region, COMPILATION_LOG_GROUP, compilationJob);
}

/** @returns undefined: the console has no page of one alone, or its address needs more than the name */
export function kindPageUrl(kind: SageMakerName, region: string, job: string): string | undefined {
  const { page } = SAGEMAKER_KINDS[kind];
  return page && `${home(region, 'sagemaker')}#/${page}/${encode(job)}`;
}

/** @returns undefined: only the job itself tells where its log is */
export function kindLogUrl(kind: SageMakerName, region: string, job: string): string | undefined {
  const { streams } = SAGEMAKER_KINDS[kind];
  if (streams === 'elsewhere') return undefined;
  const prefix = { group: '', own: job, below: `${job}/` }[streams];
  return logStreamsUrl(region, logGroupOf(kind, job), prefix);
}

function logStreamsUrl(region: string, group: string, streamPrefix: string): string {
  // `?` and `=` of the inner query are encoded once, what they carry twice.
  const filter = streamPrefix && `$3FlogStreamNameFilter$3D${encodeForLogs(streamPrefix)}`;
  return `${home(region, 'cloudwatch')}#logsV2:log-groups/log-group/${encodeForLogs(group)}${filter}`;
}

export function componentUrl(region: string, component: string): string {
  return `${home(region, 'iot')}#/greengrass/v2/components/${encode(component)}`;
}

export function coreDeviceUrl(region: string, device: string): string {
  return `${home(region, 'iot')}#/greengrass/v2/cores/details/${encode(device)}`;
}

export function alarmUrl(region: string, alarm: string): string {
  return `${home(region, 'cloudwatch')}#alarmsV2:alarm/${encode(alarm)}`;
}
