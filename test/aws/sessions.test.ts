import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AssumeRoleRequest, type AwsCredentials, RoleSessions } from '../../src/aws/sessions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';

const useCase: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: {
    account: '123456789012',
    region: 'eu-west-1',
    roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
    externalId: '6f1d0c0e',
  },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
const AWS = useCase.aws!;
const ADA = { team: 'T0LINE', user: 'U0ADA' };
const BEN = { team: 'T0LINE', user: 'U0BEN' };
const HOUR = 3_600_000;

/** Answers AssumeRole with credentials numbered in the order of the calls, or with what `refuse` throws. */
function world(refuse: (request: AssumeRoleRequest, call: number) => Error | undefined = () => undefined) {
  const state = { now: Date.UTC(2026, 10, 21), requests: [] as AssumeRoleRequest[] };
  const sessions = new RoleSessions({
    clock: { now: () => state.now },
    assumeRole: async (request): Promise<AwsCredentials> => {
      state.requests.push(request);
      const refused = refuse(request, state.requests.length);
      if (refused) throw refused;
      return {
        accessKeyId: `ASIA${state.requests.length}`,
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(state.now + request.durationSeconds * 1000),
      };
    },
  });
  return { state, sessions };
}

function awsError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
}

const DENIED = awsError(
  'AccessDenied',
  'User: arn:aws:iam::1:user/bot is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/SignalboxAccess',
);

describe('opening a session', () => {
  it('[S1] names it after operation and person, and shows the name', async () => {
    const { state, sessions } = world();
    const session = await sessions.open(useCase, ADA, 'logs');
    expect(session.sessionName).toMatch(/^logs-U0ADA\.T0LINE-[0-9a-z]{12}$/);
    expect(state.requests[0]).toMatchObject({
      sessionName: session.sessionName,
      roleArn: useCase.aws?.roleArn,
      externalId: '6f1d0c0e',
      region: 'eu-west-1',
      durationSeconds: 3600,
    });
  });

  it('narrows it to what the operation needs, in this account and region', async () => {
    const { state, sessions } = world();
    await sessions.open(useCase, ADA, 'logs');
    const policy = JSON.parse(state.requests[0]!.policy) as {
      Statement: { Action: string[]; Resource: string[] }[];
    };
    const actions = policy.Statement.flatMap(({ Action }) => Action);
    expect(actions.toSorted()).toEqual([
      'logs:DescribeLogGroups',
      'logs:DescribeLogStreams',
      'logs:FilterLogEvents',
      'logs:GetLogEvents',
      'sagemaker:DescribeTrainingJob',
      'sagemaker:ListTrainingJobs',
    ]);
    const read = policy.Statement.find(({ Action }) => Action.includes('logs:GetLogEvents'));
    expect(read?.Resource).toEqual([
      'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs',
      'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:*',
      'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/CompilationJobs',
      'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/CompilationJobs:*',
    ]);
    const look = policy.Statement.find(({ Action }) => Action.includes('logs:DescribeLogGroups'));
    expect(look?.Resource).toEqual(['arn:aws:logs:eu-west-1:123456789012:log-group:*']);
    expect(state.requests[0]!.policy.length).toBeLessThan(2048);
  });

  it("takes the role's partition for the policy", async () => {
    const { state, sessions } = world();
    const roleArn = 'arn:aws-us-gov:iam::123456789012:role/R';
    await sessions.open({ ...useCase, aws: { ...AWS, region: 'us-gov-west-1', roleArn } }, ADA, 'logs');
    expect(state.requests[0]?.policy).toContain('arn:aws-us-gov:logs:us-gov-west-1:123456789012:');
  });

  it('keeps one for each use case, person and operation, also when they are asked for at once', async () => {
    const { state, sessions } = world();
    const [first, again] = await Promise.all([
      sessions.open(useCase, ADA, 'logs'),
      sessions.open(useCase, ADA, 'logs'),
    ]);
    expect(again).toBe(first);
    const others = await Promise.all([
      sessions.open(useCase, BEN, 'logs'),
      sessions.open(useCase, ADA, 'train'),
      sessions.open({ ...useCase, id: 'dock' }, ADA, 'logs'),
      sessions.open({ ...useCase, aws: { ...AWS, externalId: 'changed' } }, ADA, 'logs'),
    ]);
    expect(state.requests).toHaveLength(5);
    expect(new Set([first, ...others].map(({ sessionName }) => sessionName)).size).toBe(5);
  });

  it('opens a new one, with a new name, shortly before the old one ends', async () => {
    const { state, sessions } = world();
    const first = await sessions.open(useCase, ADA, 'logs');
    state.now += HOUR - 6 * 60_000;
    expect(await sessions.open(useCase, ADA, 'logs')).toBe(first);
    state.now += 2 * 60_000;
    const next = await sessions.open(useCase, ADA, 'logs');
    expect(next.sessionName).not.toBe(first.sessionName);
  });

  it('[L9] says what to check when the role cannot be assumed; its ARN to admins only', async () => {
    const { sessions } = world(() => DENIED);
    const error = await sessions.open(useCase, ADA, 'logs').catch((thrown: AppError) => thrown);
    expect(error).toBeInstanceOf(AppError);
    const { code, message, hint, adminHint } = error as AppError;
    expect(code).toBe('permission_denied');
    expect(hint).toMatch(/trust policy/);
    expect(hint).toMatch(/externalId/);
    expect(`${message}${hint}`).not.toMatch(/arn:|123456789012|AccessDenied/);
    expect(adminHint).toContain(useCase.aws?.roleArn);
  });

  it('asks again for a role that was refused before: somebody may have mended it', async () => {
    const { sessions } = world((_, call) => (call === 1 ? DENIED : undefined));
    await expect(sessions.open(useCase, ADA, 'logs')).rejects.toThrow();
    await expect(sessions.open(useCase, ADA, 'logs')).resolves.toBeDefined();
  });

  it.each([
    awsError(
      'ValidationError',
      "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint",
    ),
    awsError('ConflictException', 'already there'),
    awsError('EntityAlreadyExists', 'the session exists'),
  ])('[S3] tries once more with a fresh name when the service refuses the first: $name', async (refusal) => {
    const { state, sessions } = world((_, call) => (call === 1 ? refusal : undefined));
    const session = await sessions.open(useCase, ADA, 'logs');
    expect(state.requests).toHaveLength(2);
    expect(state.requests[0]?.sessionName).not.toBe(state.requests[1]?.sessionName);
    expect(session.sessionName).toBe(state.requests[1]?.sessionName);
  });

  it('[S3] does not try a third name', async () => {
    const { state, sessions } = world(() => awsError('ValidationError', 'roleSessionName is not valid'));
    await expect(sessions.open(useCase, ADA, 'logs')).rejects.toMatchObject({ code: 'invalid_input' });
    expect(state.requests).toHaveLength(2);
  });

  it('does not try another name for what a name does not cure', async () => {
    const { state, sessions } = world(() => DENIED);
    await expect(sessions.open(useCase, ADA, 'logs')).rejects.toThrow();
    expect(state.requests).toHaveLength(1);
  });
});

describe('[L9] credentials that expire', () => {
  const EXPIRED = awsError('ExpiredTokenException', 'The security token included in the request is expired');
  const context = { operation: 'read', actions: [] };

  it('are renewed before they do, under the same name', async () => {
    const { state, sessions } = world();
    const session = await sessions.open(useCase, ADA, 'logs');
    expect((await session.credentials()).accessKeyId).toBe('ASIA1');
    state.now += HOUR - 4 * 60_000;
    expect((await session.credentials()).accessKeyId).toBe('ASIA2');
    expect(state.requests.map(({ sessionName }) => sessionName)).toEqual([
      session.sessionName,
      session.sessionName,
    ]);
  });

  it.each(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])(
    'are renewed once when the service says %s, and the call is made again',
    async (name) => {
      const { state, sessions } = world();
      const session = await sessions.open(useCase, ADA, 'logs');
      const used: string[] = [];
      const answer = await session.call(context, async () => {
        used.push((await session.credentials()).accessKeyId);
        if (used.length === 1) throw awsError(name);
        return 'page';
      });
      expect(answer).toBe('page');
      expect(used).toEqual(['ASIA1', 'ASIA2']);
      expect(state.requests).toHaveLength(2);
    },
  );

  it('are renewed once for many calls that fail together', async () => {
    const { state, sessions } = world();
    const session = await sessions.open(useCase, ADA, 'logs');
    await Promise.all(
      Array.from({ length: 20 }, () =>
        session.call(context, async () => {
          if ((await session.credentials()).accessKeyId === 'ASIA1') throw EXPIRED;
        }),
      ),
    );
    expect(state.requests).toHaveLength(2);
  });

  it('end in words when new ones are not accepted either', async () => {
    const { sessions } = world();
    const session = await sessions.open(useCase, ADA, 'logs');
    let calls = 0;
    const failing = session.call({ operation: 'read the log of train-a', actions: [] }, async () => {
      calls++;
      throw EXPIRED;
    });
    await expect(failing).rejects.toMatchObject({ code: 'permission_denied' });
    expect(calls).toBe(2);
  });

  it('of the bot itself are fetched again too', async () => {
    let fetched = 0;
    const sessions = new RoleSessions({
      clock: { now: () => 0 },
      ownCredentials: async () => ({ accessKeyId: `AKIA${++fetched}`, secretAccessKey: 's' }),
    });
    const own = { ...useCase, aws: { account: AWS.account, region: AWS.region } };
    const session = await sessions.open(own, ADA, 'logs');
    expect(fetched).toBe(0);
    await session.call(context, async () => {
      if ((await session.credentials()).accessKeyId === 'AKIA1') throw EXPIRED;
    });
    expect(fetched).toBe(2);
    expect(session.sessionName).toMatch(/^logs-/);
  });
});

describe('the real client', () => {
  let server: Server;
  let received: URLSearchParams[];
  let answer: { status: number; body: string };
  const before = { ...process.env };

  beforeEach(async () => {
    received = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push(new URLSearchParams(body));
        response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env.AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env.AWS_ACCESS_KEY_ID = 'AKIATEST';
    process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  });
  afterEach(async () => {
    process.env = before;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const open = () => new RoleSessions({ clock: { now: Date.now } }).open(useCase, ADA, 'logs');

  it('sends role, external id, name and policy to the endpoint of the environment', async () => {
    answer = {
      status: 200,
      body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIAREAL</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    };
    const session = await open();
    expect((await session.credentials()).accessKeyId).toBe('ASIAREAL');
    expect(Object.fromEntries(received[0]!)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: useCase.aws?.roleArn,
      ExternalId: '6f1d0c0e',
      RoleSessionName: session.sessionName,
      DurationSeconds: '3600',
      Policy: expect.stringContaining('logs:GetLogEvents'),
    });
  });

  it('[L9] turns a refusal into the checklist', async () => {
    answer = {
      status: 403,
      body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
        <Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole on resource: x</Message>
        </Error><RequestId>r</RequestId></ErrorResponse>`,
    };
    await expect(open()).rejects.toMatchObject({
      code: 'permission_denied',
      hint: expect.stringContaining('trust policy'),
      adminHint: expect.stringContaining('SignalboxAccess'),
    });
  });
});
