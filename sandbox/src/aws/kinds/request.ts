/** What the requests that create something have in common. */
import { AwsError } from '../errors.ts';
import type { AwsCall } from '../service.ts';
import { Parameters } from '../validation.ts';
import { INVALID } from './list.ts';
import { picked } from './work.ts';

export const JOB_NAME = { min: 1, max: 63, pattern: '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}' };
export const S3_URI = { max: 1024, pattern: '(https|s3)://([^/]+)/?(.*)' };
export const INSTANCE_TYPE = { pattern: 'ml\\.[a-z0-9-]+\\.[a-z0-9]+' };

interface PartRule {
  max: number;
  /** Also of this. Left out: any text. */
  pattern?: RegExp;
  /** What the service says of it besides, when it is broken. */
  words?: readonly string[];
}

interface MapRule {
  count: number;
  key: PartRule;
  value: PartRule;
}

/** Variables of a container, whose lengths differ by kind. */
export const environmentRule = (count: number, key: number, value: number): MapRule => ({
  count,
  key: {
    max: key,
    pattern: /^[a-zA-Z_][a-zA-Z0-9_]*$/,
    words: ['Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*'],
  },
  value: { max: value },
});

/** A member that maps names to texts. @throws AwsError */
export function readTexts(
  { input }: AwsCall,
  member: string,
  { count, key, value }: MapRule,
): Record<string, string> {
  const given = input[member];
  if (given === undefined || given === null) return {};
  if (typeof given !== 'object' || Array.isArray(given))
    throw new AwsError('SerializationException', `Unexpected value for '${member}': expected a Map`);
  const entries = Object.entries(given);
  const most = (length: number) => `Member must have length less than or equal to ${length}`;
  const broken = (constraint: string) =>
    new AwsError(
      INVALID,
      `1 validation error detected: Value at '${member.charAt(0).toLowerCase()}${member.slice(1)}' failed to satisfy constraint: ${constraint}`,
    );
  const check = (what: string, text: string, { max, pattern, words = [] }: PartRule) => {
    if (text.length > max || pattern?.test(text) === false)
      throw broken(`Map ${what} must satisfy constraint: [${[most(max), ...words].join(', ')}]`);
  };
  if (entries.length > count) throw broken(most(count));
  for (const [name, text] of entries) {
    if (typeof text !== 'string')
      throw new AwsError('SerializationException', `Unexpected value for '${name}': expected a String`);
    check('keys', name, key);
    check('value', text, value);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Members that are answered as they were asked for. */
export const asAsked = (call: AwsCall, members: readonly string[]): Record<string, unknown> =>
  picked(call.input, members);

/** As answers have them. */
export const tagList = (tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** `Tags`. @throws AwsError ValidationException for AWS's own keys */
export function tagsOf(read: Parameters): Record<string, string> {
  const tags = read.list('Tags', { max: 50 }) ?? [];
  return Object.fromEntries(
    tags.map((tag) => {
      const { Key, Value } = tag as { Key?: unknown; Value?: unknown };
      if (/^aws:/i.test(String(Key)))
        throw new AwsError(INVALID, 'aws: prefixed tag key names are not allowed for external use.');
      return [String(Key), String(Value)];
    }),
  );
}

/** A whole number of an environment variable. */
export function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value >= 0 ? Math.min(value, 10_000) : otherwise;
}

export const reading = (call: AwsCall): Parameters => new Parameters(call.input, INVALID);

/** Of a member of a description that says which machines it takes; a seed may leave it out. */
export function instancesOf(resources: unknown): { type: string; count: number } | undefined {
  const { InstanceType, InstanceCount = 1 } = (resources ?? {}) as {
    InstanceType?: string;
    InstanceCount?: number;
  };
  return InstanceType === undefined ? undefined : { type: InstanceType, count: InstanceCount };
}
