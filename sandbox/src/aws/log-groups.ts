/** Log groups: what each one keeps, and whom it lets read. */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { LOG_GROUP_CLASSES, type LogGroup, type LogGroupClass, type LogStore } from './log-store.ts';
import { pageOf } from './page-tokens.ts';
import type { AwsAnswer, AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

export const GROUP_NAME = { min: 1, max: 512, pattern: '[\\.\\-_/#A-Za-z0-9]+' };

const INVALID = 'InvalidParameterException';
const DAY_MS = 24 * 3_600_000;
/** Days; the API reference of PutRetentionPolicy lists them. */
const RETENTIONS = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557],
  ...[2922, 3288, 3653],
];

export const groupArn = (call: AwsCall, group: string): string =>
  `arn:aws:logs:${call.region}:${call.account}:log-group:${group}`;

/**
 * The group, if its events can be had. Reading is only for groups of the Standard class: "This operation is only
 * supported on the Standard log class" is what people report from Infrequent Access and Delivery; of Essentials, which
 * has a part of the features too, AWS says nothing more exact. A key that the service may not use is refused in the
 * words of AssociateKmsKey, because nobody has published those of GetLogEvents.
 * @throws AwsError ResourceNotFoundException, ValidationException, AccessDeniedException
 */
export function openGroup(store: LogStore, call: AwsCall, name: string, way: 'read' | 'write'): LogGroup {
  const group = store.group(name, call.now);
  if (way === 'read' && group.class !== 'STANDARD')
    throw new AwsError('ValidationException', 'This operation is only supported on the Standard log class.');
  if (group.settings.kmsRefuses)
    throw new AwsError(
      'AccessDeniedException',
      `The specified KMS key does not exist or is not allowed to be used with Arn '${groupArn(call, name)}'`,
    );
  return group;
}

/** The later of a range's start and the time from which on the group keeps events. */
export function keptFrom(
  { settings: { retentionInDays } }: LogGroup,
  startTime: EpochMs | undefined,
  now: EpochMs,
): EpochMs | undefined {
  return retentionInDays === undefined ? startTime : Math.max(startTime ?? 0, now - retentionInDays * DAY_MS);
}

export function logGroupOperations(
  storeOf: (call: AwsCall) => LogStore,
): Readonly<Record<string, (call: AwsCall) => AwsAnswer>> {
  function describeLogGroups(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const prefix = read.text('logGroupNamePrefix', GROUP_NAME);
    const pattern = read.text('logGroupNamePattern', { max: 512, pattern: '[\\.\\-_/#A-Za-z0-9]*' });
    const limit = read.number('limit', { min: 1, max: 50 });
    const token = read.text('nextToken', { min: 1 });
    const groupClass = read.text('logGroupClass', { values: LOG_GROUP_CLASSES });
    const identifiers = read.list('logGroupIdentifiers', { min: 1, max: 50 })?.map(String);
    read.check();
    if (identifiers && (prefix ?? pattern ?? groupClass ?? limit ?? token) !== undefined) {
      throw new AwsError(
        INVALID,
        'LogGroup identifiers cannot be combined with other filters than includeLinkedAccounts.',
      );
    }
    const named = identifiers?.map((identifier) =>
      identifier.replace(/^arn:.*:log-group:/, '').replace(/:\*$/, ''),
    );
    if (prefix !== undefined && pattern !== undefined) {
      throw new AwsError(
        INVALID,
        'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
      );
    }
    const found = storeOf(call)
      .groups()
      .filter(({ name, createdAt }) => createdAt <= call.now && name.startsWith(prefix ?? ''))
      .filter(({ name }) => name.includes(pattern ?? ''))
      .filter((group) => groupClass === undefined || group.class === groupClass)
      .filter(({ name }) => named?.includes(name) ?? true);
    const { items, nextToken } = pageOf(found, limit ?? 50, token, call.now);
    const logGroups = items.map((group) =>
      pattern === undefined ? description(call, group) : nameAndAge(call, group),
    );
    return { body: { logGroups, nextToken } };
  }

  function createLogGroup(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const group = read.need('logGroupName', GROUP_NAME);
    const groupClass = read.text('logGroupClass', { values: LOG_GROUP_CLASSES }) as LogGroupClass | undefined;
    read.check();
    for (const member of ['kmsKeyId', 'tags', 'deletionProtectionEnabled'])
      if (call.input[member] !== undefined)
        throw new AwsError(
          INVALID,
          `The sandbox does not make log groups with ${member}: leave it out${member === 'kmsKeyId' ? ', or seed the group with it' : ''}`,
        );
    storeOf(call).createGroup(group, call.now, groupClass);
    return NOTHING;
  }

  function deleteLogGroup(call: AwsCall) {
    storeOf(call).deleteGroup(onlyName(call), call.now);
    return NOTHING;
  }

  function putRetentionPolicy(call: AwsCall) {
    const read = new Parameters(call.input, INVALID);
    const name = read.need('logGroupName', GROUP_NAME);
    const retentionInDays = read.number('retentionInDays') ?? Number.NaN;
    read.check();
    const { settings } = storeOf(call).group(name, call.now);
    if (!RETENTIONS.includes(retentionInDays))
      throw new AwsError(
        INVALID,
        `1 validation error detected: Value '${call.input.retentionInDays ?? 'null'}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [${RETENTIONS.join(', ')}]`,
      );
    settings.retentionInDays = retentionInDays;
    return NOTHING;
  }

  function deleteRetentionPolicy(call: AwsCall) {
    delete storeOf(call).group(onlyName(call), call.now).settings.retentionInDays;
    return NOTHING;
  }

  return {
    DescribeLogGroups: describeLogGroups,
    CreateLogGroup: createLogGroup,
    DeleteLogGroup: deleteLogGroup,
    PutRetentionPolicy: putRetentionPolicy,
    DeleteRetentionPolicy: deleteRetentionPolicy,
  };
}

const NOTHING: AwsAnswer = { chunks: [], events: 0 };

function onlyName(call: AwsCall): string {
  const read = new Parameters(call.input, INVALID);
  const name = read.need('logGroupName', GROUP_NAME);
  read.check();
  return name;
}

/** All that is said of a group that was asked for by a pattern: the API reference of DescribeLogGroups. */
const nameAndAge = (call: AwsCall, { name, createdAt }: LogGroup) => ({
  logGroupName: name,
  creationTime: createdAt,
  arn: `${groupArn(call, name)}:*`,
});

function description(call: AwsCall, group: LogGroup) {
  const { retentionInDays, kmsKeyId, dataProtectionStatus, inheritedProperties } = group.settings;
  return {
    ...nameAndAge(call, group),
    ...(retentionInDays === undefined ? {} : { retentionInDays }),
    metricFilterCount: 0,
    logGroupArn: groupArn(call, group.name),
    storedBytes: 0,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(dataProtectionStatus === undefined ? {} : { dataProtectionStatus }),
    ...(inheritedProperties === undefined ? {} : { inheritedProperties }),
    logGroupClass: group.class,
  };
}
