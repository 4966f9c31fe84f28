/**
 * Buckets and objects of the whole sandbox: bucket names are global, as on the real service. The index is in
 * memory; the bytes of uploads are files in one folder, those of seeded objects are made when they are read.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';

export interface BucketSeed {
  name: string;
  createdAt: EpochMs;
}

export interface Bucket extends BucketSeed {
  account: string;
  region: string;
}

export interface ObjectHeaders {
  contentType?: string | undefined;
  contentDisposition?: string | undefined;
  contentEncoding?: string | undefined;
  cacheControl?: string | undefined;
  /** Without `x-amz-meta-`. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Checksum by algorithm (`crc32`), base64. */
  checksums?: Readonly<Record<string, string>> | undefined;
}

export interface StoredObject extends ObjectHeaders {
  bucket: string;
  key: string;
  readonly size: number;
  /** In quotes, as it travels. */
  etag: string;
  lastModified: EpochMs;
  /** A file of the store's folder, or bytes in memory. */
  content: string | (() => Buffer);
}

/** Bytes that came in and are not yet an object. */
export interface ReceivedBytes {
  file: string;
  size: number;
  md5: Buffer;
}

export class ObjectStore {
  readonly #folder: string;
  readonly #buckets = new Map<string, Bucket>();
  /** Keys of a bucket are sorted only when they are listed. */
  readonly #objects = new Map<string, Map<string, StoredObject>>();

  /** @param folder for the bytes of uploads; it is made with the first of them */
  constructor(folder: string) {
    this.#folder = folder;
  }

  // --- Buckets ---

  seedBucket(account: string, region: string, bucket: BucketSeed): void {
    this.#buckets.set(bucket.name, { ...bucket, account, region });
    this.#objects.set(bucket.name, new Map());
  }

  findBucket(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** @throws AwsError NoSuchBucket */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
    return bucket;
  }

  buckets(account: string): Bucket[] {
    return [...this.#buckets.values()].filter((bucket) => bucket.account === account).sort(byName);
  }

  /** @throws AwsError BucketAlreadyOwnedByYou, BucketAlreadyExists */
  createBucket(account: string, region: string, name: string, now: EpochMs): void {
    const owner = this.#buckets.get(name)?.account;
    if (owner === account) {
      throw new AwsError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        409,
      );
    }
    if (owner !== undefined) {
      throw new AwsError(
        'BucketAlreadyExists',
        'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
        409,
      );
    }
    this.seedBucket(account, region, { name, createdAt: now });
  }

  /** @throws AwsError BucketNotEmpty */
  deleteBucket(name: string): void {
    if ((this.#objects.get(name)?.size ?? 0) > 0) {
      throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409);
    }
    this.#buckets.delete(name);
    this.#objects.delete(name);
  }

  // --- Objects ---

  find(bucket: string, key: string): StoredObject | undefined {
    return this.#objects.get(bucket)?.get(key);
  }

  /** In the order of their keys' UTF-8 bytes. */
  list(bucket: string): StoredObject[] {
    return [...(this.#objects.get(bucket)?.values() ?? [])].sort((a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
    );
  }

  /** An object whose bytes need no file. Nothing happens when its bucket is not there. */
  putBytes(bucket: string, key: string, bytes: Buffer, at: EpochMs, headers: ObjectHeaders = {}): void {
    this.#put({
      bucket,
      key,
      size: bytes.length,
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
      lastModified: at,
      content: () => bytes,
      ...headers,
    });
  }

  /** The same, made when somebody first looks: a world of many models costs nothing until then. */
  putMade(bucket: string, key: string, make: () => Buffer, at: EpochMs): void {
    let made: Buffer | undefined;
    const content = () => {
      made ??= make();
      return made;
    };
    this.#put({
      bucket,
      key,
      get size() {
        return content().length;
      },
      get etag() {
        return `"${createHash('md5').update(content()).digest('hex')}"`;
      },
      lastModified: at,
      content,
    });
  }

  putReceived(
    bucket: string,
    key: string,
    received: ReceivedBytes,
    at: EpochMs,
    headers: ObjectHeaders,
  ): StoredObject {
    const object: StoredObject = {
      bucket,
      key,
      size: received.size,
      etag: `"${received.md5.toString('hex')}"`,
      lastModified: at,
      content: received.file,
      ...headers,
    };
    if (!this.#put(object)) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
    return object;
  }

  #put(object: StoredObject): boolean {
    const objects = this.#objects.get(object.bucket);
    if (!objects) return false;
    this.#forget(objects.get(object.key));
    objects.set(object.key, object);
    return true;
  }

  delete(bucket: string, key: string): void {
    const objects = this.#objects.get(bucket);
    this.#forget(objects?.get(key));
    objects?.delete(key);
  }

  /** Readers that have the file open keep reading it: it only loses its name. */
  #forget(object: StoredObject | undefined): void {
    if (typeof object?.content !== 'string') return;
    rm(object.content, { force: true }).catch((error: unknown) => {
      process.emitWarning(`The sandbox could not remove ${object.content as string}: ${String(error)}`);
    });
  }

  /** @param end inclusive */
  read(object: StoredObject, start = 0, end = object.size - 1): Readable {
    if (typeof object.content !== 'string') {
      const bytes = object.content().subarray(start, end + 1);
      return Readable.from(bytes.length === 0 ? [] : [bytes]);
    }
    return object.size === 0 ? Readable.from([]) : createReadStream(object.content, { start, end });
  }

  // --- Bytes on their way in ---

  /** Streams to a new file. On failure, also of `source`, no file is left. */
  async receive(
    source: AsyncIterable<Buffer>,
    watch: (chunk: Buffer) => void = () => {},
  ): Promise<ReceivedBytes> {
    await mkdir(this.#folder, { recursive: true });
    const file = join(this.#folder, randomUUID());
    const md5 = createHash('md5');
    let size = 0;
    try {
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            watch(chunk);
            md5.update(chunk);
            size += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(file, { flags: 'wx' }),
      );
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return { file, size, md5: md5.digest() };
  }

  async discard(received: ReceivedBytes): Promise<void> {
    await rm(received.file, { force: true });
  }

  /** Removes all bytes of uploads. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const byName = (a: Bucket, b: Bucket) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** `s3://bucket/key` in its parts; undefined for anything else. */
export function parseS3Uri(uri: string): { bucket: string; key: string } | undefined {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri);
  return match ? { bucket: match[1]!, key: match[2]! } : undefined;
}
