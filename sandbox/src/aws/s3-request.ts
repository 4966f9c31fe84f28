/** What a request to S3 is about: its bucket and key, by path or by host name, and the operation that it names. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AwsError } from './errors.ts';

export interface S3Request {
  method: string;
  /** Undefined: about the account's buckets. */
  bucket: string | undefined;
  /** Empty: about the bucket itself. */
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  operation: S3Operation;
}

export const S3_OPERATIONS = [
  'ListBuckets',
  'CreateBucket',
  'HeadBucket',
  'DeleteBucket',
  'GetBucketLocation',
  'ListObjects',
  'ListObjectsV2',
  'PutObject',
  'GetObject',
  'HeadObject',
  'DeleteObject',
  'DeleteObjects',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
] as const;

export type S3Operation = (typeof S3_OPERATIONS)[number];

/** Sub-resources that choose an operation here; others (`acl`, `tagging`, …) are refused, not ignored. */
const SUBRESOURCES =
  'accelerate acl analytics attributes cors encryption intelligent-tiering inventory legal-hold lifecycle logging metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication requestPayment restore retention select tagging torrent uploads versioning versions website'.split(
    ' ',
  );

/** Whether a request is S3's: by the service it was signed for, or, unsigned, by the bucket it names. */
export function isForS3(request: IncomingMessage, knownBucket: (name: string) => boolean): boolean {
  // Other protocols say what they are, whatever the scope of the signature claims.
  if (request.headers['x-amz-target'] !== undefined) return false;
  const { authorization } = request.headers;
  if (authorization !== undefined) return /Credential=[^/]*\/\d+\/[^/]*\/s3\//.test(authorization);
  const url = request.url ?? '/';
  const credential = new URLSearchParams(url.split('?')[1] ?? '').get('X-Amz-Credential');
  if (credential !== null) return credential.split('/')[3] === 's3';
  // A link by Signature Version 2: no other service here has those.
  if (/[?&]AWSAccessKeyId=/.test(url)) return true;
  const { bucket } = address(request);
  return bucket !== undefined && knownBucket(bucket);
}

/** @throws AwsError NotImplemented, MethodNotAllowed */
export function readS3Request(request: IncomingMessage): S3Request {
  const { bucket, key } = address(request);
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '');
  const method = request.method ?? 'GET';
  const about = { method, bucket, key, query, headers: request.headers };
  return { ...about, operation: operationOf(about) };
}

function operationOf({ method, bucket, key, query, headers }: Omit<S3Request, 'operation'>): S3Operation {
  const has = (name: string) => query.has(name);
  const other = SUBRESOURCES.find((name) => has(name) && !(name === 'uploads' && method === 'POST'));
  if (other !== undefined) throw notImplemented(`${method} ?${other}`);
  if (headers['x-amz-copy-source'] !== undefined) throw notImplemented('x-amz-copy-source');
  if (bucket === undefined) {
    if (method === 'GET') return 'ListBuckets';
    throw notAllowed();
  }
  if (key === '') {
    if (method === 'GET' && has('location')) return 'GetBucketLocation';
    if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    if (method === 'PUT') return 'CreateBucket';
    if (method === 'HEAD') return 'HeadBucket';
    if (method === 'DELETE') return 'DeleteBucket';
    if (method === 'POST' && has('delete')) return 'DeleteObjects';
    throw notAllowed();
  }
  if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload';
  if (has('uploadId')) {
    if (method === 'PUT') return 'UploadPart';
    if (method === 'POST') return 'CompleteMultipartUpload';
    if (method === 'DELETE') return 'AbortMultipartUpload';
  }
  if (method === 'PUT') return 'PutObject';
  if (method === 'GET') return 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return 'DeleteObject';
  throw notAllowed();
}

/** `/bucket/key`, or `/key` at `bucket.localhost` or `bucket.s3.….amazonaws.com`. */
function address(request: IncomingMessage): { bucket: string | undefined; key: string } {
  const path = decode((request.url ?? '/').split('?')[0]!.slice(1));
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const virtual = /^(.+?)\.(?:localhost|s3[.-].*amazonaws\.com|s3\.amazonaws\.com)$/.exec(host)?.[1];
  if (virtual !== undefined && !/^s3([.-]|$)/.test(virtual)) return { bucket: virtual, key: path };
  const slash = path.indexOf('/');
  if (slash < 0) return { bucket: path === '' ? undefined : path, key: '' };
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.", 400);
  }
}

const notImplemented = (what: string) =>
  new AwsError(
    'NotImplemented',
    `A header or query you provided implies functionality that is not implemented: ${what}`,
    501,
  );
const notAllowed = () =>
  new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405);
