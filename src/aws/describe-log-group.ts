/** What CloudWatch Logs says of a log group: how long it keeps events, and what it keeps from being read. */
import {
  type CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  type LogGroup,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogKeeping } from '../domain/log-keeping.ts';

/** @returns undefined if there is no such group. @throws as the client */
export async function describeLogGroup(
  client: CloudWatchLogsClient,
  name: string,
  abortSignal: AbortSignal | undefined,
): Promise<LogKeeping | undefined> {
  // Sorted by name, so that the group itself comes before all others that begin like it.
  const { logGroups = [] } = await client.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
    abortSignal ? { abortSignal } : {},
  );
  const group = logGroups.find(({ logGroupName }) => logGroupName === name);
  return group && keepingOf(name, group);
}

function keepingOf(name: string, group: LogGroup): LogKeeping {
  const { logGroupClass = 'STANDARD', retentionInDays, kmsKeyId } = group;
  return {
    place: `the log group ${name}`,
    days: retentionInDays,
    masks: masksOf(group),
    unreadableClass: logGroupClass === 'STANDARD' ? undefined : logGroupClass,
    key: kmsKeyId,
  };
}

/** A policy of the whole account is not in the group's own status, which is then left out. */
function masksOf({ dataProtectionStatus, inheritedProperties = [] }: LogGroup): LogKeeping['masks'] {
  if (dataProtectionStatus === 'ACTIVATED' || inheritedProperties.includes('ACCOUNT_DATA_PROTECTION'))
    return 'now';
  return dataProtectionStatus === undefined ? undefined : 'before';
}
