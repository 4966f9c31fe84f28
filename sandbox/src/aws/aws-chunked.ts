/**
 * The `aws-chunked` content encoding of uploads: `<hex size>[;chunk-signature=…]` CRLF, the bytes, CRLF, and so
 * on to a chunk of size 0, then trailers such as `x-amz-checksum-crc32:…`. The signatures of single chunks are
 * not checked: the request's own signature and the trailing checksum are.
 */
import { AwsError } from './errors.ts';

/** A line longer than this is not a chunk header or a trailer. */
const MAX_LINE_BYTES = 8 * 1024;

export class ChunkedBody {
  readonly trailers = new Map<string, string>();
  readonly #source: AsyncIterable<Buffer>;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }

  /** The payload without its framing. @throws AwsError IncompleteBody */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let pending: Buffer = Buffer.alloc(0);
    let left = 0;
    let state = 'size' as 'size' | 'bytes' | 'after bytes' | 'trailers' | 'end';
    for await (const chunk of this.#source) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (state !== 'end') {
        if (state === 'bytes') {
          const part = pending.subarray(0, left);
          if (part.length === 0) break;
          pending = pending.subarray(part.length);
          left -= part.length;
          if (left === 0) state = 'after bytes';
          yield part;
          continue;
        }
        const end = pending.indexOf('\r\n');
        if (end > MAX_LINE_BYTES || (end < 0 && pending.length > MAX_LINE_BYTES)) throw incomplete();
        if (end < 0) break;
        const line = pending.subarray(0, end).toString('latin1');
        pending = pending.subarray(end + 2);
        if (state === 'after bytes') {
          if (line !== '') throw incomplete();
          state = 'size';
        } else if (state === 'size') {
          const size = /^([0-9a-fA-F]+)(;.*)?$/.exec(line)?.[1];
          if (size === undefined) throw incomplete();
          left = Number.parseInt(size, 16);
          state = left === 0 ? 'trailers' : 'bytes';
        } else if (line === '') {
          state = 'end';
        } else {
          const colon = line.indexOf(':');
          if (colon < 1) throw incomplete();
          this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
        }
      }
    }
    // Some clients leave out the empty line that ends the trailers.
    if (state !== 'end' && state !== 'trailers') throw incomplete();
  }
}

const incomplete = () =>
  new AwsError(
    'IncompleteBody',
    'The request body terminated unexpectedly or its aws-chunked framing is broken',
    400,
  );
