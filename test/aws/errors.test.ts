import { S3ServiceException } from '@aws-sdk/client-s3';
import {
  KmsAccessDenied,
  KmsDisabled,
  KmsThrottled,
  ListQueuesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { awsErrorToAppError } from '../../src/aws/errors.ts';
import { CancelledError } from '../../src/ground/errors.ts';

const CONTEXT = { operation: 'take messages from the queue', actions: ['sqs:ReceiveMessage'] };
const $metadata = { httpStatusCode: 400 };
const convert = (error: unknown) => awsErrorToAppError(error, CONTEXT);
const named = (name: string, message: string, status = 400) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

describe('[L9] a KMS key that may not be used', () => {
  it.each([
    ['SQS', new KmsAccessDenied({ message: 'The caller does not have the required KMS access.', $metadata })],
    ['SQS, disabled', new KmsDisabled({ message: 'The request was denied due to key state.', $metadata })],
    [
      'S3, disabled',
      new S3ServiceException({
        name: 'KMS.DisabledException',
        message: 'arn:aws:kms:eu-west-1:123456789012:key/1 is disabled.',
        $fault: 'client',
        $metadata,
      }),
    ],
    [
      'S3, forbidden',
      named(
        'AccessDenied',
        'User: arn:aws:sts::123456789012:assumed-role/Signalbox/x is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/1 because no identity-based policy allows the kms:GenerateDataKey action',
        403,
      ),
    ],
    ['CloudWatch', named('KMSInvalidStateException', 'The key is pending deletion.')],
    [
      'CloudWatch Logs',
      named(
        'AccessDeniedException',
        "The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:eu-west-1:123456789012:log-group:/g'",
      ),
    ],
  ])('is the reason that is given (%s), without the key', (_, error) => {
    const { code, message, hint } = convert(error);
    expect({ code, message }).toEqual({
      code: 'permission_denied',
      message:
        'AWS refused to take messages from the queue, because the KMS key that it is encrypted with may not be used.',
    });
    expect(hint).toMatch(/allow kms:(Decrypt|GenerateDataKey)$/m);
    expect(hint).not.toMatch(/arn:|sqs:ReceiveMessage/);
  });

  it('is not blamed for too many requests, for a request that names no key of this kind, or for other rights', () => {
    expect(convert(new KmsThrottled({ message: 'Slow down.', $metadata })).code).toBe('rate_limited');
    expect(convert(named('ValidationException', 'VolumeKmsKeyId is no ARN of a KMS key.')).code).toBe(
      'invalid_input',
    );
    expect(
      convert(named('AccessDeniedException', 'User: x is not authorized to perform: sqs:ReceiveMessage'))
        .hint,
    ).toContain('sqs:ReceiveMessage');
  });
});

describe('[L9] a call that its caller ends', () => {
  /** Of the real client, which asks nobody: its signal is aborted already. */
  const ended = (reason: unknown) =>
    new SQSClient({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
      .send(new ListQueuesCommand({}), { abortSignal: AbortSignal.abort(reason) })
      .then(
        () => expect.unreachable(),
        (error: unknown) => error,
      );

  it('is cancelled, and for lack of time has not been answered in time', async () => {
    const stopped = await ended(new Error('The person has gone.'));
    expect(() => convert(stopped)).toThrow(CancelledError);
    const late = await ended(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    expect(convert(late)).toMatchObject({
      code: 'timeout',
      message: 'AWS did not answer in time; could not take messages from the queue.',
    });
  });
});
