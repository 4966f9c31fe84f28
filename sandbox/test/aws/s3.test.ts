import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { get, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultPlan } from '../../src/faults.ts';
import {
  BUCKET,
  edgeSandbox,
  edgeWorld,
  FAR_BUCKET,
  FAR_REGION,
  handClock,
  OTHER_BUCKET,
  s3Client,
} from './edge-support.ts';
import { assume, KEYS, OTHER_KEYS, REGION, refusal, sandbox } from './support.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const bytesOf = async (body: unknown) =>
  Buffer.from(await (body as { transformToByteArray(): Promise<Uint8Array> }).transformToByteArray());

async function withBucket() {
  const aws = await edgeSandbox();
  const client = s3Client(aws);
  const put = (Key: string, Body: PutObjectCommandInput['Body'], more: Partial<PutObjectCommandInput> = {}) =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
  const read = async (Key: string, Range?: string) => {
    const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key, Range }));
    return { answer, bytes: await bytesOf(answer.Body) };
  };
  return { aws, client, put, read };
}

/** Without an SDK: what a browser does with a link. */
function fetchLink(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('[O7] S3 objects', () => {
  it('come back byte for byte, with their headers and metadata', async () => {
    const { client, put, read } = await withBucket();
    const bytes = randomBytes(300_000);
    const { ETag } = await put('a b/ä+ü&<>.bin', bytes, {
      ContentType: 'application/x-thing',
      ContentDisposition: 'attachment; filename="x.bin"',
      Metadata: { job: 'defects-1' },
    });
    expect(ETag).toBe(`"${createHash('md5').update(bytes).digest('hex')}"`);
    const { answer, bytes: found } = await read('a b/ä+ü&<>.bin');
    expect(found.equals(bytes)).toBe(true);
    expect(answer).toMatchObject({
      ContentType: 'application/x-thing',
      ContentDisposition: 'attachment; filename="x.bin"',
      Metadata: { job: 'defects-1' },
      ContentLength: bytes.length,
    });
    const head = await client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'a b/ä+ü&<>.bin' }));
    expect(head).toMatchObject({ ETag, ContentLength: bytes.length });
  });

  it('take streams of any size in chunks with a trailing checksum, and empty bodies', async () => {
    const { put, read } = await withBucket();
    const parts = [randomBytes(70_000), randomBytes(1), randomBytes(200_001)];
    await put('stream.bin', Readable.from(parts), { ContentLength: 270_002 });
    expect((await read('stream.bin')).bytes.equals(Buffer.concat(parts))).toBe(true);
    await put('empty', '');
    expect((await read('empty')).bytes).toHaveLength(0);
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'check %s and hand it out again',
    async (algorithm) => {
      const { client, put } = await withBucket();
      const answer = await put('sum.bin', 'Neo', { ChecksumAlgorithm: algorithm });
      const head = await client.send(
        new HeadObjectCommand({ Bucket: BUCKET, Key: 'sum.bin', ChecksumMode: 'ENABLED' }),
      );
      expect(head[`Checksum${algorithm}`]).toBe(answer[`Checksum${algorithm}`]);
      const wrong = refusal(
        put('sum.bin', 'Neo', { [`Checksum${algorithm}`]: Buffer.alloc(4).toString('base64') }),
      );
      expect((await wrong).name).toBe('BadDigest');
    },
  );

  it('are read in ranges', async () => {
    const { put, read } = await withBucket();
    await put('digits', '0123456789');
    for (const [range, text, content] of [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=8-99', '89', 'bytes 8-9/10'],
    ] as const) {
      const { answer, bytes } = await read('digits', range);
      expect([bytes.toString(), answer.ContentRange]).toEqual([text, content]);
    }
    expect(await refusal(read('digits', 'bytes=10-'))).toMatchObject({ name: 'InvalidRange', status: 416 });
  });

  it('are not found by the names S3 has for it, and only by who may list', async () => {
    const { aws, client, read } = await withBucket();
    expect(await refusal(read('nothing'))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    expect(
      await refusal(client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'k' }))),
    ).toMatchObject({ name: 'NoSuchBucket', status: 404 });
    expect(
      await refusal(client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'nothing' }))),
    ).toMatchObject({ name: 'NotFound', status: 404 });
    const onlyRead = JSON.stringify({
      Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${OTHER_BUCKET}/*` }],
    });
    const session = await assume(aws, { Policy: onlyRead });
    const narrow = s3Client(aws, { credentials: session });
    expect(
      await refusal(narrow.send(new GetObjectCommand({ Bucket: OTHER_BUCKET, Key: 'nothing' }))),
    ).toMatchObject({ name: 'AccessDenied', status: 403 });
  });

  it('belong to their account', async () => {
    const { aws } = await withBucket();
    const other = s3Client(aws, { credentials: OTHER_KEYS });
    expect(
      await refusal(other.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }))),
    ).toMatchObject({ name: 'AccessDenied', status: 403 });
  });

  it('are deleted one by one and in batches', async () => {
    const { client, put } = await withBucket();
    for (const key of ['a', 'b&c', 'd']) await put(key, key);
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    const batch = { Objects: [{ Key: 'b&c' }, { Key: 'never there' }] };
    const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: batch }));
    expect(Deleted!.map(({ Key }) => Key)).toEqual(['b&c', 'never there']);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    expect(Contents!.map(({ Key }) => Key)).toEqual(['d', 'm/model.tar.gz']);
  });

  it('are put together from parts', async () => {
    const { client, read } = await withBucket();
    const at = { Bucket: BUCKET, Key: 'large.bin' };
    const parts = [randomBytes(5000), randomBytes(7000)];
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
    const done = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
      done.push({ ETag, PartNumber });
    }
    const wrong = { Parts: [done[1]!, done[0]!] };
    expect(
      (
        await refusal(
          client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: wrong })),
        )
      ).name,
    ).toBe('InvalidPartOrder');
    const { ETag } = await client.send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: done } }),
    );
    expect(ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect((await read('large.bin')).bytes.equals(Buffer.concat(parts))).toBe(true);
    expect((await refusal(client.send(new AbortMultipartUploadCommand({ ...at, UploadId })))).name).toBe(
      'NoSuchUpload',
    );
  });

  it('leave nothing on the disk when they are replaced, deleted, refused, or the sandbox ends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-s3-'));
    folders.push(folder);
    const aws = await sandbox({ world: edgeWorld(), dataDir: folder });
    const client = s3Client(aws);
    const put = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
      client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x', ...more }));
    const files = async () =>
      (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).length;
    await put('k');
    expect(await files()).toBe(1);
    await refusal(put('k', { ContentMD5: Buffer.alloc(16).toString('base64') }));
    expect(await files()).toBe(1);
    await aws.close();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('[O7] S3 listings', () => {
  it('page through any keys, grouped by a delimiter, without a loss or a repetition', async () => {
    const { client, put } = await withBucket();
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }));
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '/', 'ä', '%', ' '),
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          key.filter((text) => !text.startsWith('/')),
          { maxLength: 8 },
        ),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('', 'a', 'a/'),
        fc.boolean(),
        async (keys, MaxKeys, Prefix, grouped) => {
          for (const one of keys) await put(one, 'x');
          const found: string[] = [];
          let ContinuationToken: string | undefined;
          do {
            const Delimiter = grouped ? '/' : undefined;
            const page = await client.send(
              new ListObjectsV2Command({
                Bucket: BUCKET,
                Prefix,
                MaxKeys,
                Delimiter,
                ContinuationToken,
                EncodingType: 'url',
              }),
            );
            const names = [
              ...(page.Contents ?? []).map((object) => object.Key!),
              ...(page.CommonPrefixes ?? []).map((group) => group.Prefix!),
            ];
            expect(names.length).toBe(page.KeyCount);
            expect(names.length).toBeLessThanOrEqual(MaxKeys);
            found.push(...names.map(decodeURIComponent));
            ContinuationToken = page.NextContinuationToken;
          } while (ContinuationToken !== undefined);
          const wanted = keys
            .filter((one) => one.startsWith(Prefix))
            .map((one) => {
              const cut = grouped ? one.indexOf('/', Prefix.length) : -1;
              return cut < 0 ? one : one.slice(0, cut + 1);
            });
          for (const one of keys) await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: one }));
          expect([...found].sort()).toEqual([...new Set(wanted)].sort());
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('[O7] S3 buckets', () => {
  it('are made once in the world, listed, found and removed when empty', async () => {
    const { aws, client, put } = await withBucket();
    const create = (Bucket: string, options = client) =>
      options.send(
        new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
      );
    await create('fresh-bucket');
    expect((await refusal(create('fresh-bucket'))).name).toBe('BucketAlreadyOwnedByYou');
    expect((await refusal(create(OTHER_BUCKET))).name).toBe('BucketAlreadyExists');
    expect((await refusal(create('Bad_Name'))).name).toBe('InvalidBucketName');
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets!.map(({ Name }) => Name)).toEqual([FAR_BUCKET, 'fresh-bucket', BUCKET, 'models'].sort());
    await client.send(new HeadBucketCommand({ Bucket: BUCKET }));
    expect(await client.send(new GetBucketLocationCommand({ Bucket: BUCKET }))).toMatchObject({
      LocationConstraint: REGION,
    });
    await put('k', 'x');
    expect((await refusal(client.send(new DeleteBucketCommand({ Bucket: BUCKET })))).name).toBe(
      'BucketNotEmpty',
    );
    await client.send(new DeleteBucketCommand({ Bucket: 'fresh-bucket' }));
    expect(await refusal(client.send(new HeadBucketCommand({ Bucket: 'fresh-bucket' })))).toMatchObject({
      status: 404,
    });
    expect((await refusal(create('elsewhere', s3Client(aws, { region: FAR_REGION })))).name).toBe(
      'IllegalLocationConstraintException',
    );
  });

  it('send a client of another region to their own', async () => {
    const { aws } = await withBucket();
    const command = () => new HeadBucketCommand({ Bucket: FAR_BUCKET });
    expect(await refusal(s3Client(aws).send(command()))).toMatchObject({ status: 301 });
    const following = s3Client(aws, { followRegionRedirects: true });
    expect((await following.send(command())).$metadata.httpStatusCode).toBe(200);
  });
});

describe('[C10] presigned links', () => {
  it('give the object to whoever has them, under the name they say', async () => {
    const { client } = await withBucket();
    const command = new GetObjectCommand({
      Bucket: BUCKET,
      Key: 'm/model.tar.gz',
      ResponseContentDisposition: 'attachment; filename="resnet.tar.gz"',
    });
    const { status, headers, body } = await fetchLink(
      await getSignedUrl(client, command, { expiresIn: 900 }),
    );
    expect(status).toBe(200);
    expect(headers['content-disposition']).toBe('attachment; filename="resnet.tar.gz"');
    expect(body.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  });

  it('may name the bucket by host, as the real ones do', async () => {
    const { aws } = await withBucket();
    const client = s3Client({ ...aws, url: aws.url.replace('127.0.0.1', 'localhost') });
    const command = new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' });
    const url = new URL(await getSignedUrl(client, command, { expiresIn: 60 }));
    expect(url.hostname).toBe(`${BUCKET}.localhost`);
    const { host } = url;
    // Not every machine resolves names below localhost.
    url.hostname = '127.0.0.1';
    expect((await fetchLink(url.href, 'GET', { host })).status).toBe(200);
  });

  it('end: after their time, with their session, when a letter is changed', async () => {
    const clock = handClock();
    const aws = await edgeSandbox({ clock });
    const command = new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' });
    const signingDate = new Date(Date.now() - 901_000);
    const old = await fetchLink(await getSignedUrl(s3Client(aws), command, { expiresIn: 900, signingDate }));
    expect(old.status).toBe(403);
    expect(old.body.toString()).toMatch(/<Code>AccessDenied<\/Code><Message>Request has expired<\/Message>/);

    const url = await getSignedUrl(s3Client(aws), command, { expiresIn: 900 });
    const changed = await fetchLink(url.replace('/m/model', '/n/model'));
    expect(changed.body.toString()).toMatch(/<Code>SignatureDoesNotMatch<\/Code>/);

    const session = await assume(aws);
    const link = await getSignedUrl(
      s3Client(aws, { credentials: session }),
      new GetObjectCommand({ Bucket: OTHER_BUCKET, Key: 'k' }),
      { expiresIn: 43_200 },
    );
    clock.pass(2 * 3_600_000);
    expect((await fetchLink(link)).body.toString()).toMatch(/<Code>ExpiredToken<\/Code>/);
  });

  it('are refused for more than a week, and without a signature', async () => {
    const { aws, client } = await withBucket();
    const command = new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' });
    const url = await getSignedUrl(client, command, { expiresIn: 900 });
    const long = await fetchLink(url.replace('X-Amz-Expires=900', 'X-Amz-Expires=604801'));
    expect(long.body.toString()).toMatch(/AuthorizationQueryParametersError/);
    const older = await fetchLink(`${aws.url}/${BUCKET}/k?AWSAccessKeyId=A&Signature=B&Expires=1`);
    expect(older.body.toString()).toMatch(/<Code>InvalidAccessKeyId<\/Code>/);
    const bare = await fetchLink(`${aws.url}/${BUCKET}/m/model.tar.gz`);
    expect([bare.status, bare.body.toString()]).toEqual([
      403,
      expect.stringContaining('<Code>AccessDenied</Code>'),
    ]);
  });

  it('answer HEAD, and ranges of a download that is taken up again', async () => {
    const { client } = await withBucket();
    const head = new HeadObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' });
    const answer = await fetchLink(await getSignedUrl(client, head, { expiresIn: 60 }), 'HEAD');
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(1000);
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }), {
      expiresIn: 60,
    });
    const status = await new Promise((resolve, reject) => {
      get(url, { headers: { range: 'bytes=0-1' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(206);
  });
});

describe('[O7] S3 faults', () => {
  it('are SlowDown, InternalError, an error by name, or a cut connection', async () => {
    const faults = new FaultPlan();
    const aws = await edgeSandbox({ faults });
    const read = () => s3Client(aws).send(new HeadBucketCommand({ Bucket: BUCKET }));
    const get = () => s3Client(aws).send(new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }));
    faults.add([
      { on: 's3:GetObject', kind: '429' },
      { on: 's3:GetObject', kind: '500' },
      { on: 's3:GetObject', kind: 'ExpiredToken' },
      { on: 's3:HeadBucket', kind: 'drop' },
    ]);
    expect(await refusal(get())).toMatchObject({ name: 'SlowDown', status: 503 });
    expect(await refusal(get())).toMatchObject({ name: 'InternalError', status: 500 });
    expect(await refusal(get())).toMatchObject({ name: 'ExpiredToken', status: 400 });
    expect((await refusal(read())).message).toMatch(/ECONNRESET|socket hang up/);
    await read();
  });
});

it('[O7] what S3 does here is refused to keys that are unknown or wrong', async () => {
  const { aws } = await withBucket();
  const read = (credentials: typeof KEYS) =>
    refusal(
      s3Client(aws, { credentials }).send(new GetObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' })),
    );
  expect((await read({ ...KEYS, accessKeyId: 'AKIANOBODY0000000000' })).name).toBe('InvalidAccessKeyId');
  expect((await read({ ...KEYS, secretAccessKey: 'wrong' })).name).toBe('SignatureDoesNotMatch');
});
