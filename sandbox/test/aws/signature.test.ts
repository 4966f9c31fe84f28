import { createHash, createHmac } from 'node:crypto';
import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClaim, verifySignature } from '../../src/aws/sigv4.ts';
import { KEYS, logsClient, OTHER_KEYS, refusal, sandbox, stsClient } from './support.ts';

interface Tampered {
  headers: Record<string, string>;
  body: unknown;
  query: Record<string, string>;
}

/** The real client, whose signed request is changed on its way out. */
function tampering<T extends { config: { requestHandler: { handle(...args: never[]): unknown } } }>(
  client: T,
  change: (request: Tampered) => void,
): T {
  const handler = client.config.requestHandler;
  const send = handler.handle.bind(handler) as (...args: unknown[]) => unknown;
  handler.handle = ((request: Tampered, ...rest: unknown[]) => {
    change(request);
    return send(request, ...rest);
  }) as never;
  return client;
}

const header = (name: string, change: (old: string) => string) => (request: Tampered) => {
  request.headers[name] = change(request.headers[name] ?? '');
};

describe('[O7] signatures of requests are checked as AWS checks them', () => {
  it('lets the unmodified SDK in', async () => {
    const aws = await sandbox();
    await expect(logsClient(aws).send(new DescribeLogGroupsCommand({}))).resolves.toMatchObject({
      logGroups: [],
    });
  });

  it('refuses a wrong secret, in the words of either protocol', async () => {
    const aws = await sandbox();
    const credentials = { ...KEYS, secretAccessKey: 'guessed' };
    expect(
      await refusal(logsClient(aws, { credentials }).send(new DescribeLogGroupsCommand({}))),
    ).toMatchObject({
      name: 'InvalidSignatureException',
      message: expect.stringContaining('does not match the signature you provided'),
      status: 400,
    });
    expect(
      await refusal(stsClient(aws, { credentials }).send(new GetCallerIdentityCommand({}))),
    ).toMatchObject({
      name: 'SignatureDoesNotMatch',
      status: 403,
    });
  });

  it('refuses an unknown key', async () => {
    const aws = await sandbox();
    const credentials = { accessKeyId: 'AKIANOBODY0000000001', secretAccessKey: 'x' };
    expect(
      await refusal(logsClient(aws, { credentials }).send(new DescribeLogGroupsCommand({}))),
    ).toMatchObject({
      name: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    });
    expect(
      await refusal(stsClient(aws, { credentials }).send(new GetCallerIdentityCommand({}))),
    ).toMatchObject({
      name: 'InvalidClientTokenId',
      status: 403,
    });
  });

  it.each<[string, (request: Tampered) => void, string]>([
    [
      'body',
      (request) => {
        request.body = '{"limit":4}';
      },
      'InvalidSignatureException',
    ],
    [
      'signed header',
      header('x-amz-target', () => 'Logs_20140328.DeleteLogGroup'),
      'InvalidSignatureException',
    ],
    [
      'query',
      (request) => {
        request.query = { admin: 'yes' };
      },
      'InvalidSignatureException',
    ],
    [
      'region of the scope',
      header('authorization', (old) => old.replace('eu-west-1', 'us-east-1')),
      'InvalidSignatureException',
    ],
    [
      'service of the scope',
      header('authorization', (old) => old.replace('/logs/', '/s3/')),
      'InvalidSignatureException',
    ],
    [
      'key of another account',
      header('authorization', (old) => old.replace(KEYS.accessKeyId, OTHER_KEYS.accessKeyId)),
      'InvalidSignatureException',
    ],
    [
      'authorization (left out)',
      (request) => {
        delete request.headers.authorization;
      },
      'MissingAuthenticationTokenException',
    ],
    ['algorithm', header('authorization', () => 'Basic YTpi'), 'IncompleteSignatureException'],
    [
      'signature (left out)',
      header('authorization', (old) => old.replace(/, Signature=.*/, '')),
      'IncompleteSignatureException',
    ],
    ['session token (of nobody)', header('x-amz-security-token', () => 'abc'), 'UnrecognizedClientException'],
  ])('refuses a changed %s', async (_what, change, name) => {
    const aws = await sandbox();
    const client = tampering(logsClient(aws), change);
    expect((await refusal(client.send(new DescribeLogGroupsCommand({ limit: 3 })))).name).toBe(name);
  });

  it('tells a clock that is more than five minutes off, either way', () => {
    const signedAt = Date.UTC(2026, 10, 21, 9, 0, 0);
    const request = sign({ method: 'POST', path: '/', query: '', body: 'x', at: signedAt });
    const check = (now: number) => verifySignature(request, readClaim(request), 'reader-secret', 'logs', now);
    expect(() => check(signedAt + 299_000)).not.toThrow();
    expect(() => check(signedAt - 299_000)).not.toThrow();
    expect(() => check(signedAt + 301_000)).toThrow(
      /^Signature expired: 20261121T090000Z is now earlier than 20261121T090001Z/,
    );
    expect(() => check(signedAt - 301_000)).toThrow(
      /^Signature not yet current: 20261121T090000Z is still later than/,
    );
  });

  it('holds for any path, query, header and body, and breaks when one byte of the body changes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[\w.~ äß%+-]{1,8}$/), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[\w-]{1,6}$/), fc.string({ maxLength: 8 }), { maxKeys: 4 }),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        (segments, parameters, bytes) => {
          const path = `/${segments.map(encodeURIComponent).join('/')}`;
          const query = new URLSearchParams(parameters).toString().replaceAll('+', '%20');
          const at = Date.UTC(2026, 10, 21);
          const request = sign({ method: 'POST', path, query, body: Buffer.from(bytes), at });
          verifySignature(request, readClaim(request), 'reader-secret', 'logs', at);
          const changed = Buffer.from(bytes);
          changed[0] = changed[0]! ^ 1;
          const tampered = { ...request, body: changed };
          expect(() => verifySignature(tampered, readClaim(tampered), 'reader-secret', 'logs', at)).toThrow(
            /signature we calculated/,
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Signs independently of the code under test, by the steps of the IAM user guide. */
function sign(input: { method: string; path: string; query: string; body: Buffer | string; at: number }) {
  const body = Buffer.from(input.body);
  const stamp = new Date(input.at).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = stamp.slice(0, 8);
  const hash = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  const strict = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = [...new URLSearchParams(input.query)]
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort((a, b) => {
      const [an, bn] = [a.split('=')[0]!, b.split('=')[0]!];
      return an === bn ? (a < b ? -1 : 1) : an < bn ? -1 : 1;
    });
  const canonical = [
    input.method,
    input.path.split('/').map(strict).join('/'),
    pairs.join('&'),
    `host:localhost\nx-amz-date:${stamp}\nx-odd:a b\n`,
    'host;x-amz-date;x-odd',
    hash(body),
  ].join('\n');
  const scope = `${day}/eu-west-1/logs/aws4_request`;
  const key = [day, 'eu-west-1', 'logs', 'aws4_request'].reduce<Buffer | string>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    'AWS4reader-secret',
  );
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash(canonical)}`)
    .digest('hex');
  return {
    method: input.method,
    url: input.path + (input.query ? `?${input.query}` : ''),
    headers: {
      host: 'localhost',
      'x-amz-date': stamp,
      'x-odd': '  a   b ',
      authorization: `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date;x-odd, Signature=${signature}`,
    },
    body,
  };
}
