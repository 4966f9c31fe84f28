/** A request as no SDK would send it, signed all the same (Signature Version 4). */
import { createHash, createHmac } from 'node:crypto';
import type { AwsSandbox } from '../../src/aws/index.ts';
import { KEYS, REGION } from './support.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

export function signedFetch(
  aws: AwsSandbox,
  service: string,
  { target, body, type = 'application/x-amz-json-1.1' }: { target?: string; body: string; type?: string },
): Promise<Response> {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${at.slice(0, 8)}/${REGION}/${service}/aws4_request`;
  const headers: Record<string, string> = {
    'content-type': type,
    host: new URL(aws.url).host,
    'x-amz-date': at,
    ...(target === undefined ? {} : { 'x-amz-target': target }),
  };
  const names = Object.keys(headers).sort();
  const canonical = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const request = ['POST', '/', '', canonical, names.join(';'), sha(body)].join('\n');
  const key = [at.slice(0, 8), REGION, service, 'aws4_request'].reduce<string | Buffer>(
    mac,
    `AWS4${KEYS.secretAccessKey}`,
  );
  const signature = mac(key, `AWS4-HMAC-SHA256\n${at}\n${scope}\n${sha(request)}`).toString('hex');
  const { host: _, ...sent } = headers;
  return fetch(aws.url, {
    method: 'POST',
    headers: {
      ...sent,
      authorization: `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    },
    body,
  });
}
