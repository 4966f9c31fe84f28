/** Links to objects in S3 that work without an AWS account, for a short while. */
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { ArtifactLinks } from '../ports/artifact-links.ts';
import type { AwsCredentials, RoleSession } from './sessions.ts';

/** Below this a link would be gone before a large download has begun. */
const SHORTEST_LINK_SECONDS = 60;
/** A Signature Version 4 link lives for seven days at most. */
const LONGEST_LINK_SECONDS = 7 * 24 * 3600;

export function createArtifactLinks(session: RoleSession, clock: Clock): ArtifactLinks {
  return {
    async presign(s3Uri, { expiresSeconds, fileName }) {
      const { bucket, key } = parseS3Uri(s3Uri);
      const { sdk, getSignedUrl } = await load();
      const lasting = await lastingCredentials(session, clock, expiresSeconds);
      const client = watchedClient(
        new sdk.S3Client({
          ...session.clientConfig(4),
          // The very ones that the link is signed with: what they may not read, the link cannot give.
          credentials: lasting,
          // Else every link asks for a checksum that no browser compares.
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
      );
      try {
        await session.call(
          { operation: `look at ${s3Uri}`, actions: ['s3:GetObject', 's3:ListBucket'] },
          async () => {
            try {
              await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }));
            } catch (error) {
              throw (await isMissing(error, sdk, client, bucket)) ? notThere(s3Uri, error) : error;
            }
          },
        );
        return await getSignedUrl(
          client,
          new sdk.GetObjectCommand({
            Bucket: bucket,
            Key: key,
            ResponseContentDisposition: attachment(fileName),
          }),
          { expiresIn: linkSeconds(expiresSeconds, lasting, clock) },
        );
      } finally {
        client.destroy();
      }
    },
  };
}

/**
 * A link dies with the session that signed it, whatever it says of itself: AWS, "Sharing objects with presigned
 * URLs". So one that ends too early is renewed first.
 */
async function lastingCredentials(
  session: RoleSession,
  clock: Clock,
  seconds: number,
): Promise<AwsCredentials> {
  const current = await session.credentials();
  if (secondsLeft(current, clock) >= seconds) return current;
  session.renew();
  // Credentials of an instance stay the same until shortly before their end: then the link is shorter.
  return session.credentials();
}

function secondsLeft({ expiration }: AwsCredentials, clock: Clock): number {
  return expiration ? (expiration.getTime() - clock.now()) / 1000 : Number.POSITIVE_INFINITY;
}

function linkSeconds(wanted: number, credentials: AwsCredentials, clock: Clock): number {
  const seconds = Math.floor(Math.min(wanted, LONGEST_LINK_SECONDS, secondsLeft(credentials, clock)));
  if (seconds >= Math.min(SHORTEST_LINK_SECONDS, wanted)) return seconds;
  throw new AppError('unavailable', "The bot's AWS credentials end too soon for a link.", {
    hint: 'They are renewed by themselves: try again in a few minutes.',
    retryAfterMs: 120_000,
  });
}

async function isMissing(
  error: unknown,
  sdk: typeof import('@aws-sdk/client-s3'),
  client: InstanceType<typeof sdk.S3Client>,
  bucket: string,
): Promise<'object' | false> {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
  if (status !== 404) return false;
  // HEAD has no body, so 404 says not whether the key or the whole bucket is missing. Its own error then tells.
  await client.send(new sdk.HeadBucketCommand({ Bucket: bucket })).catch((cause: unknown) => {
    const found = (cause as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
    if (found !== 404) return;
    throw new AppError('not_found', `There is no bucket ${bucket}.`, {
      hint: 'It was deleted, or compile.outputS3 in signalbox.yaml names another one than the compilation had.',
      cause,
    });
  });
  return 'object';
}

function notThere(s3Uri: string, cause: unknown): AppError {
  return new AppError('not_found', `There is nothing at ${s3Uri} any more.`, {
    hint: 'It was deleted or moved, by hand or by a lifecycle rule of the bucket. Compile the model again.',
    cause,
  });
}

/** @throws AppError invalid_input */
function parseS3Uri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri);
  if (match) return { bucket: match[1]!, key: match[2]! };
  throw new AppError('invalid_input', `Expected s3://bucket/key, but got ${JSON.stringify(uri)}.`, {
    hint: 'Only a single object can be downloaded.',
  });
}

/** RFC 6266: the name in ASCII for everybody, and as it is for those who read the second form. */
function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]/g, '_').replace(/["\\/]/g, '_');
  // Half a surrogate pair has no encoding.
  const encoded = encodeURIComponent(fileName.replace(/[\p{Cc}\p{Cs}/\\]/gu, '_')).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return plain === fileName
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

async function load() {
  const [sdk, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ]);
  return { sdk, getSignedUrl };
}
