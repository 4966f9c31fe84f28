import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CloudWatchLogSourceOptions, createCloudWatchLogSource } from '../../src/aws/cloudwatch-logs.ts';
import { readQuota } from '../../src/aws/cloudwatch-logs-quotas.ts';

interface Call {
  api: string;
  input: Record<string, unknown>;
  keyId: string;
}

type Answer = { status?: number; body?: unknown; cut?: boolean } | undefined;

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());
let account = 100_000_000_000;

/** An endpoint that answers as told, and what it was asked. */
async function endpoint(answer: (call: Call, number: number) => Answer) {
  const calls: Call[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call: Call = {
        api: String(request.headers['x-amz-target']).split('.')[1]!,
        input: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
        keyId: /Credential=([^/]+)/.exec(String(request.headers.authorization))?.[1] ?? '',
      };
      calls.push(call);
      const { status = 200, body = {}, cut } = answer(call, calls.length) ?? {};
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.1',
        'content-length': bytes.length,
      });
      if (!cut) return response.end(bytes);
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  const open = (more: Partial<CloudWatchLogSourceOptions> = {}) =>
    createCloudWatchLogSource({
      // Every test has a quota of its own.
      account: String(account++),
      region: 'us-east-1',
      group: '/aws/sagemaker/TrainingJobs',
      job: 'train-1',
      useCase: 'line-3',
      credentials: { accessKeyId: 'AKIAFIRST', secretAccessKey: 'x' },
      clientConfig: { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      ...more,
    });
  return { calls, open };
}

const refuse = (type: string, message = 'No.', status = 400): Answer => ({
  status,
  body: { __type: type, message },
});

describe('[L3] the streams of a job', () => {
  it('are its own and no other job’s, over all pages of the listing', async () => {
    const { calls, open } = await endpoint((_, number) => ({
      body: {
        logStreams: [
          { logStreamName: `train-1/algo-${number}-1795150455`, firstEventTimestamp: 5 },
          { logStreamName: 'train-10/algo-1-1795150455' },
          { logStreamName: 'train-1-again/algo-1-1795150455' },
        ],
        nextToken: number < 3 ? `page-${number}` : undefined,
      },
    }));
    const streams = await open().listStreams();
    expect(streams.map(({ shortName }) => shortName)).toEqual(['algo-1', 'algo-2', 'algo-3']);
    expect(streams[0]).toMatchObject({ name: 'train-1/algo-1-1795150455', firstEventAt: 5 });
    expect(calls.map(({ input }) => input.nextToken)).toEqual([undefined, 'page-1', 'page-2']);
  });

  it('are none when the group does not exist yet', async () => {
    const { open } = await endpoint(() =>
      refuse('ResourceNotFoundException', 'The specified log group does not exist.'),
    );
    expect(await open().listStreams()).toEqual([]);
  });

  it('are listed again after a refusal and a broken connection', async () => {
    const { calls, open } = await endpoint((_, number) =>
      number === 1
        ? refuse('ThrottlingException')
        : { cut: number === 2, body: { logStreams: [{ logStreamName: 'train-1/algo-1-1795150455' }] } },
    );
    expect(await open().listStreams()).toHaveLength(1);
    expect(calls).toHaveLength(3);
  });
});

describe('[L3] a page', () => {
  const events = [
    { ingestionTime: 9, message: 'first é\r', timestamp: 7 },
    { ingestionTime: 9, message: '\u001b[1mtwo\nlines\0', timestamp: 8 },
  ];

  it('is asked for as the service wants it and read with its lines laid out', async () => {
    const { calls, open } = await endpoint(() => ({
      body: { events, nextForwardToken: 'f/2', nextBackwardToken: 'b/2' },
    }));
    const source = open();
    const page = await source.readPage({
      stream: 's',
      from: 1,
      to: 20,
      direction: 'backward',
      token: 'b/1',
      lead: 2,
    });
    expect(calls[0]).toMatchObject({
      api: 'GetLogEvents',
      input: { logStreamName: 's', startTime: 1, endTime: 20, startFromHead: false, nextToken: 'b/1' },
    });
    expect(page).toMatchObject({ count: 2, nextToken: 'b/2', lead: 2 });
    expect([...page.times]).toEqual([7, 8]);
    expect(page.text.subarray(2, page.ends[0]!).toString()).toBe('first é\r\n');
    expect(page.text.subarray(page.ends[0]! + 2).toString()).toBe('\u001b[1mtwo\nlines\0\n');
    page.release?.();
    expect((await source.readPage({ stream: 's', to: 20, direction: 'forward' })).nextToken).toBe('f/2');
  });

  it('[L5] of the second lane has its end one millisecond earlier, because there the end is included', async () => {
    const { calls, open } = await endpoint(() => ({ body: { events, searchedLogStreams: [] } }));
    const page = await open({ secondLane: 'on' }).secondLane!.readPage({
      stream: 's',
      from: 1,
      to: 20,
      direction: 'forward',
    });
    expect(calls[0]).toMatchObject({
      api: 'FilterLogEvents',
      input: { logStreamNames: ['s'], startTime: 1, endTime: 19 },
    });
    expect(page).toMatchObject({ count: 2, nextToken: undefined });
  });

  it.each([
    ['a refusal', refuse('ThrottlingException', 'Rate exceeded'), 'rate_limited'],
    ['a broken connection', { cut: true, body: { events } }, 'unavailable'],
    ['half an answer', { body: '{"events":[{"message":"a' }, 'unavailable'],
    ['trouble of the service', refuse('ServiceUnavailableException', 'Later.', 503), 'unavailable'],
    [
      'an expired token',
      refuse('InvalidParameterException', 'The specified nextToken is invalid.'),
      'invalid_input',
    ],
    ['no right', refuse('AccessDeniedException', 'User: arn:aws:… is not authorized'), 'permission_denied'],
  ] as const)('[L9] fails in words after %s, with nothing of AWS’s own in them', async (_, answer, code) => {
    const { open } = await endpoint(() => answer as Answer);
    const failure = await open()
      .readPage({ stream: 's', to: 20, direction: 'forward' })
      .then(
        () => undefined,
        (error: unknown) => error as Error & { code: string; hint?: string },
      );
    expect(failure).toMatchObject({ code });
    expect(`${failure!.message} ${failure!.hint}`).not.toMatch(/__type|arn:aws/);
  });
});

describe('[L13] a log group whose class one way to read refuses', () => {
  const OTHER_CLASS = refuse(
    'InvalidOperationException',
    'The log group /aws/sagemaker/TrainingJobs is of log-group-class INFREQUENT_ACCESS. FilterLogEvents is not supported for this log class.',
  );
  const page = { stream: 's', from: 1, to: 20, direction: 'forward' } as const;

  it('is read by the other, and the first is not tried again', async () => {
    const { calls, open } = await endpoint(({ api }) =>
      api === 'FilterLogEvents'
        ? OTHER_CLASS
        : {
            body: {
              events: [{ ingestionTime: 9, message: 'm', timestamp: 7 }],
              nextForwardToken: 'f/2',
              nextBackwardToken: 'b/2',
            },
          },
    );
    const { secondLane } = open({ secondLane: 'on' });
    const first = await secondLane!.readPage(page);
    expect(first).toMatchObject({ count: 1, nextToken: 'f/2' });
    await secondLane!.readPage({ ...page, token: first.nextToken });
    expect(calls.map(({ api, input }) => [api, input.endTime, input.nextToken])).toEqual([
      ['FilterLogEvents', 19, undefined],
      ['GetLogEvents', 20, undefined],
      ['GetLogEvents', 20, 'f/2'],
    ]);
  });

  it('is not read at all where both refuse', async () => {
    const { open } = await endpoint(() => OTHER_CLASS);
    await expect(open({ secondLane: 'on' }).secondLane!.readPage(page)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('because it is not of the Standard class'),
    });
  });
});

describe('[L9] expired credentials', () => {
  const expiring = (call: Call): Answer =>
    call.keyId === 'AKIAFIRST'
      ? refuse('ExpiredTokenException', 'The security token has expired')
      : { body: { events: [], nextForwardToken: 'f' } };

  it('are renewed once for all requests that meet the expiry', async () => {
    const { calls, open } = await endpoint(expiring);
    let renewals = 0;
    const source = open({
      renewCredentials: async () => {
        renewals++;
        return { accessKeyId: 'AKIASECOND', secretAccessKey: 'x' };
      },
    });
    await Promise.all([1, 2, 3].map(() => source.readPage({ stream: 's', to: 20, direction: 'forward' })));
    expect(renewals).toBe(1);
    expect(calls.filter(({ keyId }) => keyId === 'AKIASECOND')).toHaveLength(3);
  });

  it('are asked of the provider anew', async () => {
    const { open } = await endpoint(expiring);
    const source = open({
      credentials: async (options) => ({
        accessKeyId: (options as { forceRefresh?: boolean } | undefined)?.forceRefresh
          ? 'AKIASECOND'
          : 'AKIAFIRST',
        secretAccessKey: 'x',
      }),
    });
    expect((await source.readPage({ stream: 's', to: 20, direction: 'forward' })).count).toBe(0);
  });

  it('are a refusal when the new ones have expired too', async () => {
    const { calls, open } = await endpoint(() => refuse('ExpiredTokenException'));
    await expect(open().readPage({ stream: 's', to: 20, direction: 'forward' })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(calls).toHaveLength(2);
  });
});

describe('[L5] the request quota', () => {
  it('is what AWS publishes for the region', () => {
    expect(readQuota('us-east-1', 'GetLogEvents')).toBe(25);
    expect(readQuota('us-east-1', 'FilterLogEvents')).toBe(25);
    expect(readQuota('eu-west-1', 'GetLogEvents')).toBe(10);
    expect(readQuota('eu-west-1', 'FilterLogEvents')).toBe(10);
    expect(readQuota('eu-central-1', 'FilterLogEvents')).toBe(5);
    expect(readQuota('eu-west-3', 'GetLogEvents')).toBe(30);
  });

  it('decides whether the second lane is worth it, unless the use case says', async () => {
    const { open } = await endpoint(() => undefined);
    expect(open({ region: 'us-east-1' }).secondLane).toBeDefined();
    expect(open({ region: 'eu-central-1' }).secondLane).toBeUndefined();
    expect(open({ region: 'eu-central-1', secondLane: 'on' }).secondLane).toBeDefined();
    expect(open({ region: 'us-east-1', secondLane: 'off' }).secondLane).toBeUndefined();
  });
});
