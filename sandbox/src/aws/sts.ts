/** STS: who am I, and may I be somebody else in another account for a while. */
import { AwsError } from './errors.ts';
import type { Iam } from './iam.ts';
import type { AwsCall, AwsService } from './service.ts';
import { Parameters } from './validation.ts';

const ARN_TEXT = { min: 20, max: 2048 };

export function stsService(iam: Iam): AwsService {
  return {
    name: 'sts',
    signingName: 'sts',
    protocol: 'query',
    target: '2011-06-15',
    operations: {
      GetCallerIdentity: {
        handle: ({ principal }) => ({
          body: { Arn: principal.arn, UserId: principal.userId, Account: principal.account },
        }),
      },
      // The right to it is judged together with the role's trust, by Iam.
      AssumeRole: { handle: (call) => ({ body: assumeRole(iam, call) }) },
    },
  };
}

function assumeRole(iam: Iam, call: AwsCall) {
  const read = new Parameters(call.input, 'ValidationError');
  const roleArn = read.need('RoleArn', ARN_TEXT);
  const sessionName = read.need('RoleSessionName', { min: 2, max: 64, pattern: '[\\w+=,.@-]*' });
  const externalId = read.text('ExternalId', { min: 2, max: 1224, pattern: '[\\w+=,.@:\\/-]*' });
  const policy = read.text('Policy', { min: 1 });
  const durationText = read.text('DurationSeconds', { pattern: '-?\\d+' });
  const duration = new Parameters(
    { DurationSeconds: durationText === undefined ? undefined : Number(durationText) },
    'ValidationError',
  );
  const durationSeconds = duration.number('DurationSeconds', { min: 900, max: 43_200 });
  read.check();
  duration.check();
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/.test(roleArn)) {
    throw new AwsError('ValidationError', `${roleArn} is invalid`);
  }
  const { credential, assumedRoleId } = iam.assumeRole(call.principal, {
    roleArn,
    sessionName,
    externalId,
    policy,
    durationSeconds,
  });
  return {
    AssumedRoleUser: { AssumedRoleId: assumedRoleId, Arn: credential.principal.arn },
    Credentials: {
      AccessKeyId: credential.accessKeyId,
      SecretAccessKey: credential.secret,
      SessionToken: credential.token,
      Expiration: new Date(credential.expiresAt ?? 0).toISOString(),
    },
    ...(policy === undefined ? {} : { PackedPolicySize: Math.ceil(policy.length / 20.48) }),
  };
}
