/** Queues and events with clients that others wrote, as processes of their own: boto3 and the AWS CLI. */
import { describe, expect, it } from 'vitest';
import { clientEnvironment, hasBoto3, hasCli, ONE_TRY, python, run } from './other-clients.ts';
import { ACCOUNT, REGION, sandbox } from './support.ts';

const BOTO3 = `
import boto3, json
from botocore.exceptions import ClientError
sqs, events = boto3.client("sqs"), boto3.client("events")
dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})})["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
rule = events.put_rule(Name="mine", EventPattern=json.dumps({"source": ["me"]}))["RuleArn"]
sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}]})})
out = {"rule": rule, "targets": events.put_targets(Rule="mine", Targets=[{"Id": "q", "Arn": arn}])["FailedEntryCount"]}
put = events.put_events(Entries=[{"Source": "me", "DetailType": "Said", "Detail": json.dumps({"n": n})} for n in range(10)])
got = {}
while len(got) < 10:
    for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageSystemAttributeNames=["All"]).get("Messages", []):
        body = json.loads(m["Body"])
        got[body["id"]] = body["detail"]["n"]
        if body["detail"]["n"] != 3: sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
out["all"] = got == {e["EventId"]: n for n, e in enumerate(put["Entries"])}
sqs.receive_message(QueueUrl=url)
letter = sqs.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["All"])["Messages"][0]
out["dead"] = json.loads(letter["Body"])["detail"]["n"]
out["from"] = letter["Attributes"]["DeadLetterQueueSourceArn"]
for key, call in {"gone": lambda: sqs.get_queue_url(QueueName="none"), "handle": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="x")}.items():
    try: call()
    except ClientError as error: out[key] = error.response["Error"]["Code"]
try: sqs.get_queue_url(QueueName="none")
except sqs.exceptions.QueueDoesNotExist: out["typed"] = True
try: events.put_rule(Name="bad", EventPattern="{}")
except events.exceptions.InvalidEventPatternException as error: out["pattern"] = error.response["Error"]["Message"]
print(json.dumps(out))
`;

describe('[N1] [O7] boto3 and the AWS CLI work on queues and events', () => {
  it.skipIf(!hasBoto3)(
    'rule, target, events, receive, delete, dead letters, errors (needs boto3)',
    async () => {
      const aws = await sandbox({ eventTickMs: 0 });
      const said = await python(BOTO3, aws, ONE_TRY);
      expect(said).toEqual({
        rule: `arn:aws:events:${REGION}:${ACCOUNT}:rule/mine`,
        targets: 0,
        all: true,
        dead: 3,
        from: `arn:aws:sqs:${REGION}:${ACCOUNT}:q`,
        gone: 'AWS.SimpleQueueService.NonExistentQueue',
        handle: 'ReceiptHandleIsInvalid',
        typed: true,
        pattern: expect.stringContaining('Empty objects are not allowed'),
      });
    },
    60_000,
  );

  it.skipIf(!hasCli)(
    'sends, receives and lists (needs the AWS CLI)',
    async () => {
      const aws = await sandbox({ eventTickMs: 0 });
      const env = clientEnvironment(aws, ONE_TRY);
      const cli = async (...args: string[]) => {
        // Version 1 of the CLI puts an address of its own in place of AWS_ENDPOINT_URL, for SQS only.
        const where = ['--endpoint-url', aws.url, '--output', 'json'];
        const { stdout } = await run('aws', [...args, ...where], { env });
        return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
      };
      const { QueueUrl } = await cli('sqs', 'create-queue', '--queue-name', 'q');
      expect(QueueUrl).toBe(`${aws.url}/${ACCOUNT}/q`);
      const url = ['--queue-url', String(QueueUrl)];
      await cli('sqs', 'send-message', ...url, '--message-body', 'hello');
      const { Messages } = await cli('sqs', 'receive-message', ...url, '--wait-time-seconds', '1');
      expect(Messages).toMatchObject([{ Body: 'hello' }]);
      await cli('events', 'put-rule', '--name', 'mine', '--event-pattern', '{"source": ["me"]}');
      expect(await cli('events', 'list-rules')).toMatchObject({
        Rules: [{ Name: 'mine', State: 'ENABLED' }],
      });
      await expect(cli('sqs', 'get-queue-url', '--queue-name', 'none')).rejects.toMatchObject({
        stderr: expect.stringContaining(
          '(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation',
        ),
      });
    },
    60_000,
  );
});
