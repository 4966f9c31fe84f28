/** Answers a request for the bytes of a shared file. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { byteRange } from './byte-range.ts';
import type { Context } from './context.ts';
import { HttpError } from './http.ts';

/**
 * Sends a file, or the range of it that was asked for. It is always sent as a download or in a page without
 * scripts, so that nothing in it can run.
 * @throws HttpError 404 when there is no such file
 */
export async function sendFile(
  context: Context,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
  isDownload: boolean,
): Promise<void> {
  const file = context.files.find(id);
  if (file === undefined) throw new HttpError(404, 'file_not_found', `There is no file ${id}.`);
  const { size } = await stat(context.files.path(id));
  const name = encodeURIComponent(file.name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  const range = byteRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, {
    'accept-ranges': 'bytes',
    ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
    'content-type': file.mimetype === 'text/plain' ? 'text/plain; charset=utf-8' : file.mimetype,
    'content-length': String(end - start + 1),
    'content-disposition': `${isDownload ? 'attachment' : 'inline'}; filename*=UTF-8''${name}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  });
  await pipeline(createReadStream(context.files.path(id), range ?? {}), response);
}
