/** Bytes that come in to S3: whole objects and parts of larger ones, checked against what the client said of them. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ChunkedBody } from './aws-chunked.ts';
import { CHECKSUMS, checksum } from './checksums.ts';
import { AwsError } from './errors.ts';
import type { ObjectHeaders, ObjectStore, ReceivedBytes } from './object-store.ts';

/** AWS: 5 GB by one PUT. */
const MAX_PUT_BYTES = 5 * 1024 ** 3;

export interface Upload {
  received: ReceivedBytes;
  checksums: Record<string, string>;
}

/**
 * Streams the request's body to disk.
 * @throws AwsError BadDigest, XAmzContentSHA256Mismatch, IncompleteBody, EntityTooLarge; then nothing is kept
 */
export async function receiveBody(objects: ObjectStore, request: IncomingMessage): Promise<Upload> {
  const { headers } = request;
  const declaredHash = header(headers, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const streaming = declaredHash.startsWith('STREAMING-');
  const chunked = streaming ? new ChunkedBody(request as AsyncIterable<Buffer>) : undefined;
  const algorithms = CHECKSUMS.filter(
    (name) =>
      headers[`x-amz-checksum-${name}`] !== undefined ||
      (header(headers, 'x-amz-trailer') ?? '').toLowerCase().includes(`x-amz-checksum-${name}`),
  );
  const sums = new Map(algorithms.map((name) => [name, checksum(name)!]));
  const sha256 = /^[0-9a-f]{64}$/.test(declaredHash) ? createHash('sha256') : undefined;
  const length = Number(
    header(headers, streaming ? 'x-amz-decoded-content-length' : 'content-length') ?? Number.NaN,
  );
  if (length > MAX_PUT_BYTES) {
    throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400);
  }
  let size = 0;
  const received = await objects.receive(chunked ?? (request as AsyncIterable<Buffer>), (chunk) => {
    size += chunk.length;
    if (size > MAX_PUT_BYTES) {
      throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400);
    }
    sha256?.update(chunk);
    for (const sum of sums.values()) sum.update(chunk);
  });
  const problem = ((): AwsError | undefined => {
    if (Number.isFinite(length) && length !== received.size) {
      return new AwsError(
        'IncompleteBody',
        `The request has ${received.size} bytes and not the ${length} it declares`,
        400,
      );
    }
    if (sha256 && sha256.digest('hex') !== declaredHash) {
      return new AwsError(
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
      );
    }
    const md5 = header(headers, 'content-md5');
    if (md5 !== undefined && md5 !== received.md5.toString('base64')) {
      return new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400);
    }
    return undefined;
  })();
  const checksums: Record<string, string> = {};
  let wrong: string | undefined;
  for (const [name, sum] of sums) {
    const field = `x-amz-checksum-${name}`;
    checksums[name] = sum.digest();
    const declared = chunked?.trailers.get(field) ?? header(headers, field);
    if (declared !== checksums[name]) wrong ??= name.toUpperCase();
  }
  const refusal =
    problem ??
    (wrong === undefined
      ? undefined
      : new AwsError('BadDigest', `The ${wrong} you specified did not match the calculated checksum.`, 400));
  if (refusal) {
    await objects.discard(received);
    throw refusal;
  }
  return { received, checksums };
}

export function objectHeaders(
  headers: IncomingHttpHeaders,
  checksums: Record<string, string> = {},
): ObjectHeaders {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-meta-')) metadata[name.slice('x-amz-meta-'.length)] = String(value);
  }
  const encoding = header(headers, 'content-encoding')
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked')
    .join(',');
  return {
    contentType: header(headers, 'content-type') ?? 'binary/octet-stream',
    contentDisposition: header(headers, 'content-disposition'),
    contentEncoding: encoding || undefined,
    cacheControl: header(headers, 'cache-control'),
    metadata,
    checksums,
  };
}

export const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

// --- Uploads in parts ---

interface PartialUpload {
  bucket: string;
  key: string;
  headers: ObjectHeaders;
  parts: Map<number, ReceivedBytes>;
}

export class PartialUploads {
  readonly #uploads = new Map<string, PartialUpload>();
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  begin(bucket: string, key: string, headers: ObjectHeaders): string {
    const id = randomBytes(48).toString('base64url');
    this.#uploads.set(id, { bucket, key, headers, parts: new Map() });
    return id;
  }

  /** @throws AwsError NoSuchUpload */
  get(id: string | null, bucket: string, key: string): PartialUpload {
    const upload = this.#uploads.get(id ?? '');
    if (upload && upload.bucket === bucket && upload.key === key) return upload;
    throw new AwsError(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
      404,
    );
  }

  async addPart(upload: PartialUpload, number: number, received: ReceivedBytes): Promise<void> {
    const earlier = upload.parts.get(number);
    upload.parts.set(number, received);
    if (earlier) await this.#objects.discard(earlier);
  }

  /** One file out of the named parts. @throws AwsError InvalidPart, InvalidPartOrder */
  async complete(
    id: string,
    upload: PartialUpload,
    parts: readonly { number: number; etag: string }[],
  ): Promise<{ received: ReceivedBytes; etag: string }> {
    const chosen = parts.map(({ number, etag }, index) => {
      if (index > 0 && number <= parts[index - 1]!.number) {
        throw new AwsError('InvalidPartOrder', 'The list of parts was not in ascending order.', 400);
      }
      const part = upload.parts.get(number);
      if (!part || part.md5.toString('hex') !== etag.replaceAll('"', '')) {
        throw new AwsError('InvalidPart', 'One or more of the specified parts could not be found.', 400);
      }
      return part;
    });
    if (chosen.length === 0) throw new AwsError('MalformedXML', 'You must specify at least one part', 400);
    const received = await this.#objects.receive(joined(chosen));
    await this.abort(id, upload);
    const digests = Buffer.concat(chosen.map(({ md5 }) => md5));
    return { received, etag: `"${createHash('md5').update(digests).digest('hex')}-${chosen.length}"` };
  }

  async abort(id: string, upload: PartialUpload): Promise<void> {
    this.#uploads.delete(id);
    for (const part of upload.parts.values()) await this.#objects.discard(part);
  }
}

async function* joined(parts: readonly ReceivedBytes[]): AsyncGenerator<Buffer> {
  for (const { file } of parts) yield* createReadStream(file) as AsyncIterable<Buffer>;
}
