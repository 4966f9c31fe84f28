/** The work of S3's operations, once the caller is known to have the right and the bucket to be in reach. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock } from '../time.ts';
import { AuthError, AwsError } from './errors.ts';
import type { Iam, Principal } from './iam.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { listBuckets, listObjects } from './s3-lists.ts';
import type { S3Operation, S3Request } from './s3-request.ts';
import { header, objectHeaders, PartialUploads, receiveBody } from './s3-uploads.ts';
import { s3Document, textsOf, type XmlMap } from './s3-xml.ts';

export interface S3Answer {
  status: number;
  headers?: Record<string, string | number | undefined>;
  body?: string | Readable;
}

export interface S3Call {
  request: S3Request;
  message: IncomingMessage;
  principal: Principal;
  region: string;
}

const MAX_XML_BYTES = 2 * 1_048_576;

export function s3Operations(kept: {
  objects: ObjectStore;
  iam: Iam;
  clock: Clock;
}): Readonly<Record<S3Operation, (call: S3Call) => S3Answer | Promise<S3Answer>>> {
  const { objects, iam, clock } = kept;
  const uploads = new PartialUploads(objects);

  return {
    ListBuckets: ({ principal }) =>
      xmlAnswer('ListAllMyBucketsResult', listBuckets(objects.buckets(principal.account), principal)),
    CreateBucket: async ({ request, principal, region, message }) => {
      checkBucketName(request.bucket!);
      const wanted = textsOf(await readXml(message), 'LocationConstraint')[0] ?? 'us-east-1';
      if (wanted !== region) {
        throw new AwsError(
          'IllegalLocationConstraintException',
          wanted === 'us-east-1'
            ? 'The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.'
            : `The ${wanted} location constraint is incompatible for the region specific endpoint this request was sent to.`,
          400,
        );
      }
      objects.createBucket(principal.account, region, request.bucket!, clock.now());
      return { status: 200, headers: { location: `/${request.bucket}` } };
    },
    HeadBucket: ({ region }) => ({ status: 200, headers: { 'x-amz-bucket-region': region } }),
    DeleteBucket: ({ request }) => {
      objects.deleteBucket(request.bucket!);
      return { status: 204 };
    },
    GetBucketLocation: ({ request }) => {
      const { region } = objects.bucket(request.bucket!);
      // The oldest region has no name here.
      return xmlAnswer('LocationConstraint', region === 'us-east-1' ? '' : region);
    },
    ListObjects: ({ request }) =>
      xmlAnswer('ListBucketResult', listObjects(objects.list(request.bucket!), request)),
    ListObjectsV2: ({ request }) =>
      xmlAnswer('ListBucketResult', listObjects(objects.list(request.bucket!), request)),
    PutObject: async ({ request, message }) => {
      const { bucket, key, headers } = request;
      if (Buffer.byteLength(key) > 1024) throw new AwsError('KeyTooLongError', 'Your key is too long', 400);
      if (header(headers, 'if-none-match') === '*' && objects.find(bucket!, key))
        throw preconditionFailed('If-None-Match');
      const { received, checksums } = await receiveBody(objects, message);
      const object = objects.putReceived(
        bucket!,
        key,
        received,
        clock.now(),
        objectHeaders(headers, checksums),
      );
      return { status: 200, headers: { etag: object.etag, ...checksumHeaders(object) } };
    },
    GetObject: (call) => objectAnswer(call.request, existing(call), true),
    HeadObject: (call) => objectAnswer(call.request, existing(call), false),
    DeleteObject: ({ request }) => {
      objects.delete(request.bucket!, request.key);
      return { status: 204 };
    },
    DeleteObjects: deleteMany,
    CreateMultipartUpload: ({ request }) => {
      const { bucket, key, headers } = request;
      const UploadId = uploads.begin(bucket!, key, objectHeaders(headers));
      return xmlAnswer('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId });
    },
    UploadPart: async ({ request, message }) => {
      const { bucket, key, query } = request;
      const upload = uploads.get(query.get('uploadId'), bucket!, key);
      const number = Number(query.get('partNumber'));
      if (!Number.isInteger(number) || number < 1 || number > 10_000) {
        throw new AwsError(
          'InvalidArgument',
          'Part number must be an integer between 1 and 10000, inclusive',
          400,
        );
      }
      const { received, checksums } = await receiveBody(objects, message);
      await uploads.addPart(upload, number, received);
      return {
        status: 200,
        headers: { etag: `"${received.md5.toString('hex')}"`, ...checksumHeaders({ checksums }) },
      };
    },
    CompleteMultipartUpload: completeUpload,
    AbortMultipartUpload: async ({ request }) => {
      const id = request.query.get('uploadId')!;
      await uploads.abort(id, uploads.get(id, request.bucket!, request.key));
      return { status: 204 };
    },
  };

  /** Who may not list the bucket is not told that a key is missing. @throws AwsError NoSuchKey; AuthError */
  function existing({ request, principal, region }: S3Call): StoredObject {
    const { bucket, key } = request;
    const object = objects.find(bucket!, key);
    if (object) return object;
    iam.authorize(principal, 's3:ListBucket', [resourceArn(bucket, '')], region);
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
  }

  async function deleteMany(call: S3Call): Promise<S3Answer> {
    const { request, principal, region } = call;
    const xml = await readXml(call.message);
    const results: { Deleted: XmlMap[]; Error: XmlMap[] } = { Deleted: [], Error: [] };
    for (const key of textsOf(xml, 'Key')) {
      try {
        iam.authorize(principal, 's3:DeleteObject', [resourceArn(request.bucket, key)], region);
        objects.delete(request.bucket!, key);
        results.Deleted.push({ Key: key });
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        results.Error.push({ Key: key, Code: 'AccessDenied', Message: error.message });
      }
    }
    const quiet = textsOf(xml, 'Quiet')[0] === 'true';
    return xmlAnswer('DeleteResult', quiet ? { Error: results.Error } : results);
  }

  async function completeUpload({ request, message }: S3Call): Promise<S3Answer> {
    const { bucket, key, query } = request;
    const upload = uploads.get(query.get('uploadId'), bucket!, key);
    const xml = await readXml(message);
    const etags = textsOf(xml, 'ETag');
    const parts = textsOf(xml, 'PartNumber').map((text, index) => ({
      number: Number(text),
      etag: etags[index] ?? '',
    }));
    const { received, etag } = await uploads.complete(query.get('uploadId')!, upload, parts);
    const object = objects.putReceived(bucket!, key, received, clock.now(), upload.headers);
    object.etag = etag;
    return xmlAnswer('CompleteMultipartUploadResult', {
      Location: `/${bucket}/${key}`,
      Bucket: bucket,
      Key: key,
      ETag: etag,
    });
  }

  function objectAnswer(request: S3Request, object: StoredObject, withBody: boolean): S3Answer {
    const { headers, query } = request;
    const noneMatch = header(headers, 'if-none-match');
    if (noneMatch !== undefined && (noneMatch === '*' || noneMatch === object.etag)) {
      return { status: 304, headers: { etag: object.etag } };
    }
    const match = header(headers, 'if-match');
    if (match !== undefined && match !== '*' && match !== object.etag) throw preconditionFailed('If-Match');
    const range = readRange(header(headers, 'range'), object.size);
    const { start, end } = range ?? { start: 0, end: object.size - 1 };
    return {
      status: range ? 206 : 200,
      headers: {
        'content-type': query.get('response-content-type') ?? object.contentType ?? 'binary/octet-stream',
        'content-length': end - start + 1,
        'content-disposition': query.get('response-content-disposition') ?? object.contentDisposition,
        'content-encoding': query.get('response-content-encoding') ?? object.contentEncoding,
        'cache-control': query.get('response-cache-control') ?? object.cacheControl,
        'last-modified': new Date(object.lastModified).toUTCString(),
        'accept-ranges': 'bytes',
        etag: object.etag,
        'content-range': range ? `bytes ${start}-${end}/${object.size}` : undefined,
        ...(range ? {} : checksumHeaders(object)),
        ...Object.fromEntries(
          Object.entries(object.metadata ?? {}).map(([name, value]) => [`x-amz-meta-${name}`, value]),
        ),
      },
      ...(withBody ? { body: objects.read(object, start, end) } : {}),
    };
  }
}

function checkBucketName(name: string): void {
  const valid =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name);
  if (!valid)
    throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, { BucketName: name });
}

/** @returns undefined for the whole object, also where the header is not understood. @throws AwsError InvalidRange */
function readRange(text: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(text ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416, {
      RangeRequested: text ?? '',
      ActualObjectSize: size,
    });
  }
  return { start, end };
}

export const resourceArn = (bucket: string | undefined, key: string) =>
  bucket === undefined ? '*' : `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`;

function checksumHeaders({ checksums }: Pick<StoredObject, 'checksums'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checksums ?? {}).map(([name, value]) => [`x-amz-checksum-${name}`, value]),
  );
}

const xmlAnswer = (root: string, content: XmlMap | string): S3Answer => ({
  status: 200,
  body: s3Document(root, content),
});

async function readXml(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_XML_BYTES)
      throw new AwsError('MaxMessageLengthExceeded', 'Your request was too big.', 400);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const preconditionFailed = (Condition: string) =>
  new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {
    Condition,
  });
