/** S3 on its REST-XML protocol: buckets, objects, listings, uploads in parts, presigned links. Bodies are streamed. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import { AuthError, AwsError } from './errors.ts';
import type { Iam, Principal } from './iam.ts';
import type { Bucket, ObjectStore } from './object-store.ts';
import { resourceArn, type S3Answer, type S3Call, s3Operations } from './s3-operations.ts';
import { readS3Request, type S3Operation, type S3Request } from './s3-request.ts';
import { header } from './s3-uploads.ts';
import { s3Error } from './s3-xml.ts';
import { type LinkClaim, readLink, verifyLink } from './sigv2.ts';
import { readClaim, type SignatureClaim, verifySignature } from './sigv4.ts';

export interface S3Options {
  objects: ObjectStore;
  iam: Iam;
  clock: Clock;
  faults: FaultPlan | undefined;
  /** Counts a request. @returns false: it is to be refused as too many */
  admit(operation: string, account: string, region: string): boolean;
  sent(bytes: number): void;
}

const ACTIONS: Readonly<Record<S3Operation, string>> = {
  ListBuckets: 's3:ListAllMyBuckets',
  CreateBucket: 's3:CreateBucket',
  HeadBucket: 's3:ListBucket',
  DeleteBucket: 's3:DeleteBucket',
  GetBucketLocation: 's3:GetBucketLocation',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  PutObject: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  DeleteObjects: 's3:DeleteObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
};

const MAX_PRESIGNED_SECONDS = 7 * 86_400;

/** @returns answers one request whose service is S3; `latency` resolves when the answer may leave */
export function s3Door(
  options: S3Options,
): (message: IncomingMessage, response: ServerResponse, latency: () => Promise<void>) => Promise<void> {
  const { objects, iam, clock } = options;
  const operations = s3Operations({ objects, iam, clock });

  async function serve(request: S3Request, message: IncomingMessage): Promise<S3Answer> {
    const { principal, region } = authenticate(request, message);
    if (!options.admit(request.operation, principal.account, region)) throw slowDown();
    const call: S3Call = { request, message, principal, region };
    authorize(call);
    if (request.bucket !== undefined && request.operation !== 'CreateBucket') reach(call, request.bucket);
    return operations[request.operation](call);
  }

  /** @throws AuthError; AwsError AccessDenied for a link that is too old */
  function authenticate(
    request: S3Request,
    message: IncomingMessage,
  ): { principal: Principal; region: string } {
    // The payload's hash is compared while the body streams.
    const signed = {
      method: message.method ?? 'GET',
      url: message.url ?? '/',
      headers: message.headers,
      body: undefined,
    };
    const link = readLink(request.query);
    if (link) return authenticateLink(request, link, signed.url);
    const claim = readClaim(signed);
    const credential = iam.credential(claim.accessKeyId);
    checkLink(claim);
    verifySignature(signed, claim, credential.secret, 's3', Date.now());
    iam.checkToken(credential, claim.sessionToken);
    return { principal: credential.principal, region: claim.region };
  }

  function authenticateLink({ method, bucket, query }: S3Request, link: LinkClaim, url: string) {
    const credential = iam.credential(link.accessKeyId);
    const path = url.split('?')[0]!;
    const byPath = path === `/${bucket}` || path.startsWith(`/${bucket}/`);
    verifyLink(method, byPath ? path : `/${bucket}${path}`, query, link, credential.secret, Date.now());
    iam.checkToken(credential, link.sessionToken);
    // Such a link names no region: it works wherever the bucket is.
    return {
      principal: credential.principal,
      region: objects.findBucket(bucket ?? '')?.region ?? 'us-east-1',
    };
  }

  function authorize({ request, principal, region }: S3Call): void {
    const { operation, bucket, key } = request;
    // Each key of a batch is judged by itself.
    if (operation === 'DeleteObjects') return;
    iam.authorize(principal, ACTIONS[operation], [resourceArn(bucket, key)], region);
  }

  /** The bucket is there, in this region, and the caller's. @throws AwsError NoSuchBucket, PermanentRedirect, AccessDenied */
  function reach({ principal, region, request }: S3Call, name: string): Bucket {
    const bucket = objects.bucket(name);
    const owner = header(request.headers, 'x-amz-expected-bucket-owner');
    if (bucket.account !== principal.account || (owner !== undefined && owner !== bucket.account)) {
      throw new AwsError('AccessDenied', 'Access Denied', 403);
    }
    // Where a bucket is may be asked from anywhere.
    if (bucket.region !== region && request.operation !== 'GetBucketLocation') {
      throw new AwsError(
        'PermanentRedirect',
        'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
        301,
        { Endpoint: `${name}.s3.${bucket.region}.amazonaws.com`, Bucket: name, Region: bucket.region },
      );
    }
    return bucket;
  }

  async function send(message: IncomingMessage, response: ServerResponse, answer: S3Answer): Promise<void> {
    const { body } = answer;
    const text = typeof body === 'string' ? Buffer.from(body) : undefined;
    const headers: Record<string, string | number> = {
      'x-amz-request-id': randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase(),
      server: 'AmazonS3',
      ...(text ? { 'content-type': 'application/xml', 'content-length': text.length } : {}),
      ...(body === undefined && answer.status !== 204 && answer.status !== 304
        ? { 'content-length': 0 }
        : {}),
    };
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      if (value !== undefined) headers[name] = value;
    }
    // A body that was refused unread would be taken for the next request.
    if (answer.status >= 300 && !message.complete && message.method !== 'GET') {
      headers.connection = 'close';
    }
    response.writeHead(answer.status, headers);
    if (text) {
      options.sent(text.length);
      response.end(message.method === 'HEAD' ? undefined : text);
    } else if (body !== undefined && typeof body !== 'string') {
      options.sent(Number(headers['content-length'] ?? 0));
      await pipeline(body, response);
    } else {
      response.end();
    }
  }

  return async (message, response, latency) => {
    let request: S3Request | undefined;
    let answer: S3Answer;
    try {
      request = readS3Request(message);
      const fault = options.faults?.take(`s3:${request.operation}`);
      if (fault?.kind === 'drop') {
        response.destroy();
        return;
      }
      if (fault) throw faultError(fault.kind);
      answer = await serve(request, message);
    } catch (error) {
      answer = errorAnswer(error, request, message);
    }
    await latency();
    await send(message, response, answer);
  };
}

// --- Rules ---

/** A presigned link's time is judged before its signature, in words of its own. */
function checkLink({ presignedFor, timestamp }: SignatureClaim): void {
  if (presignedFor === undefined) return;
  if (!(presignedFor >= 1 && presignedFor <= MAX_PRESIGNED_SECONDS)) {
    throw new AwsError(
      'AuthorizationQueryParametersError',
      presignedFor > MAX_PRESIGNED_SECONDS
        ? 'X-Amz-Expires must be less than a week (in seconds) that is 604800'
        : 'X-Amz-Expires must be a number of seconds, at least 1',
      400,
    );
  }
  const signedAt = Date.parse(
    timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  const expires = signedAt + presignedFor * 1000;
  if (Date.now() > expires) {
    throw new AwsError('AccessDenied', 'Request has expired', 403, {
      'X-Amz-Expires': presignedFor,
      Expires: new Date(expires).toISOString(),
      ServerTime: new Date().toISOString(),
    });
  }
}

// --- Errors ---

const slowDown = () => new AwsError('SlowDown', 'Please reduce your request rate.', 503);
const FAULTS: Readonly<Record<string, () => AwsError>> = {
  '429': slowDown,
  '500': () => new AwsError('InternalError', 'We encountered an internal error. Please try again.', 500),
  ExpiredToken: () => new AwsError('ExpiredToken', 'The provided token has expired.', 400),
  NoSuchKey: () => new AwsError('NoSuchKey', 'The specified key does not exist.', 404),
  NoSuchBucket: () => new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404),
  SlowDown: slowDown,
  ServiceUnavailable: () => new AwsError('ServiceUnavailable', 'Reduce your request rate.', 503),
};

const faultError = (kind: string) =>
  FAULTS[kind]?.() ?? new AwsError(kind, `${kind} (a fault of the sandbox)`, 403);

function errorAnswer(error: unknown, request: S3Request | undefined, message: IncomingMessage): S3Answer {
  const known =
    error instanceof AuthError
      ? error.forProtocol('rest-xml')
      : error instanceof AwsError
        ? error
        : new AwsError(
            'InternalError',
            `The sandbox itself failed: ${error instanceof Error ? error.stack : String(error)}`,
            500,
          );
  const resource =
    request?.bucket === undefined ? '/' : `/${request.bucket}${request.key === '' ? '' : `/${request.key}`}`;
  const { Region, ...details } = (known.details ?? {}) as Record<string, string | number>;
  const headers = Region === undefined ? {} : { 'x-amz-bucket-region': Region };
  if (message.method === 'HEAD') return { status: known.status, headers };
  return {
    status: known.status,
    headers,
    body: s3Error({
      Code: known.code,
      Message: known.message,
      ...details,
      Resource: resource,
      RequestId: randomUUID(),
    }),
  };
}
