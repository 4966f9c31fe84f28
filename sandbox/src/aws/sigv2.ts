/**
 * Presigned links by Signature Version 2, which boto3 still makes unless it is told otherwise. S3 takes them
 * in its older regions. Rules: "Signing and authenticating REST requests" in the S3 API reference.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { AuthError, AwsError } from './errors.ts';

export interface LinkClaim {
  accessKeyId: string;
  signature: string;
  /** Seconds since the epoch. */
  expires: number;
  sessionToken: string | undefined;
}

/** Query parameters that are part of what is signed. */
const SIGNED =
  /^(acl|cors|delete|lifecycle|location|logging|notification|partNumber|policy|requestPayment|tagging|torrent|uploadId|uploads|versionId|versioning|versions|website|response-.+)$/;

/** @returns undefined when the request is no such link */
export function readLink(query: URLSearchParams): LinkClaim | undefined {
  const accessKeyId = query.get('AWSAccessKeyId');
  const signature = query.get('Signature');
  if (accessKeyId === null || signature === null) return undefined;
  return {
    accessKeyId,
    signature,
    expires: Number(query.get('Expires') ?? Number.NaN),
    sessionToken: query.get('x-amz-security-token') ?? undefined,
  };
}

/**
 * @param resource `/bucket/key`, encoded as on the wire
 * @throws AwsError AccessDenied for a link that is too old; AuthError bad_signature
 */
export function verifyLink(
  method: string,
  resource: string,
  query: URLSearchParams,
  claim: LinkClaim,
  secret: string,
  now: number,
): void {
  if (!Number.isInteger(claim.expires)) {
    throw new AwsError(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
      403,
    );
  }
  if (now > claim.expires * 1000) {
    throw new AwsError('AccessDenied', 'Request has expired', 403, {
      Expires: new Date(claim.expires * 1000).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
  }
  const sorted = [...query].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const amz = sorted
    .filter(([name]) => name.toLowerCase().startsWith('x-amz-'))
    .map(([name, value]) => `${name.toLowerCase()}:${value}\n`)
    .join('');
  const parameters = sorted
    .filter(([name]) => SIGNED.test(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
  const text = `${method}\n\n\n${claim.expires}\n${amz}${resource}${parameters === '' ? '' : `?${parameters}`}`;
  const wanted = createHmac('sha1', secret).update(text).digest();
  const given = Buffer.from(claim.signature, 'base64');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new AuthError(
      'bad_signature',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  }
}
