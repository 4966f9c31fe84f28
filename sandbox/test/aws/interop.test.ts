/** Clients that others wrote, as processes of their own: boto3 and the AWS CLI, where they are installed. */
import { describe, expect, it } from 'vitest';
import { bulkStreams } from '../../src/aws/bulk-log.ts';
import type { AwsSandbox } from '../../src/aws/index.ts';
import { clientEnvironment, hasBoto3, hasCli, ONE_TRY, python, run } from './other-clients.ts';
import { ACCOUNT, EXTERNAL_ID, GROUP, OTHER_ACCOUNT, ROLE_ARN, sandbox, twoAccounts } from './support.ts';

const EVENTS = 15_000;
const END = Date.now() - 3_600_000;
const streams = () =>
  bulkStreams({ job: 'defects', streams: 2, events: EVENTS, seed: 3, end: END, silences: 2 });

async function world(): Promise<AwsSandbox> {
  const logGroups = [{ name: GROUP, createdAt: 0, streams: streams() }];
  return sandbox({ world: twoAccounts({ logGroups }, { logGroups }) });
}

const BOTO3 = `
import boto3, json, hashlib
from botocore.exceptions import ClientError
sts = boto3.client("sts")
out = {"me": sts.get_caller_identity()["Arn"]}
def assume(**changes):
    return sts.assume_role(**{"RoleArn": "${ROLE_ARN}", "RoleSessionName": "logs-boto3", "ExternalId": "${EXTERNAL_ID}", **changes})
for key, changes in {"wrong": {"ExternalId": "guess"}, "name": {"RoleSessionName": "a b"}}.items():
    try: assume(**changes)
    except ClientError as error: out[key] = error.response["Error"]
c = assume()["Credentials"]
session = boto3.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
out["they"] = session.client("sts").get_caller_identity()["Arn"]
logs = session.client("logs")
names = [s["logStreamName"] for page in logs.get_paginator("describe_log_streams").paginate(logGroupName="${GROUP}", logStreamNamePrefix="defects/") for s in page["logStreams"]]
digest, count, empty = hashlib.sha256(), 0, 0
for name in names:
    token = None
    while True:
        page = logs.get_log_events(logGroupName="${GROUP}", logStreamName=name, startFromHead=True, **({"nextToken": token} if token else {}))
        empty += not page["events"]
        for event in page["events"]:
            count += 1
            digest.update(event["message"].encode() + b"\\n")
        if page["nextForwardToken"] == token: break
        token = page["nextForwardToken"]
out.update(names=names, count=count, sha=digest.hexdigest(), empty=empty)
pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="${GROUP}", logStreamNames=names, filterPattern='"retry of batch"'))
out["found"] = sum(len(page["events"]) for page in pages)
print(json.dumps(out))
`;

describe('[O7] boto3 works on the sandbox', () => {
  it.skipIf(!hasBoto3)(
    'assumes a role, is refused with a wrong external id, pages through and filters (needs boto3)',
    async () => {
      const { createHash } = await import('node:crypto');
      const aws = await world();
      const said = await python(BOTO3, aws, ONE_TRY);
      const digest = createHash('sha256');
      let found = 0;
      for (const { series } of streams()) {
        for (let n = 0; n < EVENTS; n++) {
          digest.update(`${series.message(n)}\n`);
          if (series.message(n).includes('retry of batch')) found++;
        }
      }
      const refused = `User: arn:aws:iam::${ACCOUNT}:user/reader is not authorized to perform: sts:AssumeRole on resource: ${ROLE_ARN}`;
      expect(said).toMatchObject({
        me: `arn:aws:iam::${ACCOUNT}:user/reader`,
        they: `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/SignalboxAccess/logs-boto3`,
        wrong: { Code: 'AccessDenied', Message: refused },
        name: { Code: 'ValidationError' },
        names: streams().map(({ name }) => name),
        count: 2 * EVENTS,
        sha: digest.digest('hex'),
        found,
      });
      expect(found).toBeGreaterThan(10);
    },
    60_000,
  );
});

describe('[O7] the AWS CLI works on the sandbox', () => {
  it.skipIf(!hasCli)(
    'describes streams, filters, and is refused with a wrong external id (needs the AWS CLI)',
    async () => {
      const aws = await world();
      const env = clientEnvironment(aws, ONE_TRY);
      const cli = async (...args: string[]) => {
        const { stdout } = await run('aws', [...args, '--output', 'json'], { env, maxBuffer: 64 << 20 });
        return JSON.parse(stdout) as Record<string, unknown[]>;
      };
      const described = await cli(
        'logs',
        'describe-log-streams',
        '--log-group-name',
        GROUP,
        '--log-stream-name-prefix',
        'defects/',
      );
      expect(described.logStreams).toMatchObject(streams().map(({ name }) => ({ logStreamName: name })));
      const filtered = await cli(
        'logs',
        'filter-log-events',
        '--log-group-name',
        GROUP,
        '--log-stream-name-prefix',
        'defects/',
      );
      expect(filtered.events).toHaveLength(2 * EVENTS);
      const wrong = [
        'sts',
        'assume-role',
        '--role-arn',
        ROLE_ARN,
        '--role-session-name',
        'cli',
        '--external-id',
        'guess',
      ];
      await expect(run('aws', wrong, { env })).rejects.toMatchObject({
        stderr: expect.stringContaining(
          'An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::',
        ),
      });
    },
    60_000,
  );
});
