/** S3's listings: the caller's buckets, and the keys of one. */
import { AwsError } from './errors.ts';
import type { Principal } from './iam.ts';
import type { Bucket, StoredObject } from './object-store.ts';
import type { S3Request } from './s3-request.ts';
import type { XmlMap } from './s3-xml.ts';

const MAX_KEYS = 1000;

export function listBuckets(buckets: readonly Bucket[], principal: Principal): XmlMap {
  return {
    Owner: { ID: principal.account, DisplayName: principal.account },
    Buckets: {
      Bucket: buckets.map(({ name, createdAt, region }) => ({
        Name: name,
        CreationDate: new Date(createdAt).toISOString(),
        BucketRegion: region,
      })),
    },
  };
}

/**
 * Version 1 continues after a marker that is a key; version 2 with a token. Keys that share what follows the
 * prefix up to the delimiter are one entry, and count as one.
 * @param objects in the order of their keys
 */
export function listObjects(
  objects: readonly StoredObject[],
  { query, bucket, operation }: S3Request,
): XmlMap {
  const second = operation === 'ListObjectsV2';
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const limit = Math.min(readLimit(query.get('max-keys')), MAX_KEYS);
  const token = query.get('continuation-token');
  const after = second
    ? token === null
      ? (query.get('start-after') ?? '')
      : openToken(token)
    : (query.get('marker') ?? '');
  const url = query.get('encoding-type') === 'url';
  const shown = (key: string) => (url ? encodeURIComponent(key).replaceAll('%2F', '/') : key);

  const contents: XmlMap[] = [];
  const prefixes: string[] = [];
  let last = after;
  let truncated = false;
  for (const object of objects) {
    const { key } = object;
    if (!key.startsWith(prefix) || compareKeys(key, after) <= 0) continue;
    // The last entry of the page before stood for all of its keys.
    if (
      delimiter !== '' &&
      after.endsWith(delimiter) &&
      key.startsWith(after) &&
      after.length > prefix.length
    )
      continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const group = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    if (group !== undefined && prefixes.at(-1) === group) continue;
    if (contents.length + prefixes.length >= limit) {
      truncated = limit > 0;
      break;
    }
    last = group ?? key;
    if (group !== undefined) prefixes.push(group);
    else {
      contents.push({
        Key: shown(key),
        LastModified: new Date(object.lastModified).toISOString(),
        ETag: object.etag,
        Size: object.size,
        StorageClass: 'STANDARD',
      });
    }
  }
  return {
    Name: bucket,
    Prefix: shown(prefix),
    MaxKeys: limit,
    Delimiter: delimiter === '' ? undefined : shown(delimiter),
    EncodingType: url ? 'url' : undefined,
    IsTruncated: truncated,
    ...(second
      ? {
          KeyCount: contents.length + prefixes.length,
          ContinuationToken: token ?? undefined,
          NextContinuationToken: truncated ? sealToken(last) : undefined,
          StartAfter: query.get('start-after') ?? undefined,
        }
      : { Marker: shown(after), NextMarker: truncated && delimiter !== '' ? shown(last) : undefined }),
    Contents: contents,
    CommonPrefixes: prefixes.map((group) => ({ Prefix: shown(group) })),
  };
}

function readLimit(text: string | null): number {
  if (text === null) return MAX_KEYS;
  if (/^\d+$/.test(text)) return Number(text);
  throw new AwsError('InvalidArgument', 'Provided max-keys not an integer or within integer range', 400);
}

const compareKeys = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const sealToken = (key: string) => Buffer.from(`1:${key}`).toString('base64');

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (text.startsWith('1:')) return text.slice(2);
  throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect', 400);
}
