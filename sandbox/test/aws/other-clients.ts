/** Clients that others wrote, as processes of their own on a sandbox: boto3 and the AWS CLI, where they are installed. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { AwsSandbox } from '../../src/aws/index.ts';
import { KEYS, REGION } from './support.ts';

const present = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
export const hasBoto3 = present('python3', '-c', 'import boto3');
export const hasCli = present('aws', '--version');

/** Nothing of a real account that this machine knows reaches them. */
export const clientEnvironment = (aws: AwsSandbox, changes: Record<string, string> = {}) => {
  const { AWS_SESSION_TOKEN: _token, AWS_PROFILE: _profile, ...inherited } = process.env;
  return {
    ...inherited,
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...changes,
  };
};

/** A refusal is the answer that is looked for. */
export const ONE_TRY = { AWS_MAX_ATTEMPTS: '1' };

export const run = promisify(execFile);

/** @returns what the script prints, which is JSON */
export async function python(
  script: string,
  aws: AwsSandbox,
  changes: Record<string, string> = {},
): Promise<unknown> {
  const { stdout } = await run('python3', ['-c', script], { env: clientEnvironment(aws, changes) });
  return JSON.parse(stdout);
}
