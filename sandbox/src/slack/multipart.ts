/** The one file of a `multipart/form-data` body, as a stream: an upload may be far larger than memory. */
import { HttpError } from './http.ts';

const MAX_HEAD = 64 * 1024;

/** Yields the bytes of the first part that has a filename; parts before it are skipped. */
export async function* multipartFile(body: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Buffer> {
  // With a line break in front, also the very first delimiter looks like all others.
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let held: Buffer = Buffer.from('\r\n');
  let state: 'before' | 'head' | 'skip' | 'file' | 'after' = 'before';
  for await (const chunk of body) {
    if (state === 'after') continue;
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (state === 'head') {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0) {
          if (held.length > MAX_HEAD)
            throw new HttpError(400, 'invalid_form_data', 'A part has no end of headers.');
          break;
        }
        state = /filename\*?=/i.test(held.subarray(0, end).toString('latin1')) ? 'file' : 'skip';
        held = held.subarray(end + 4);
        continue;
      }
      const at = held.indexOf(delimiter);
      if (at < 0) {
        // The last bytes may be the beginning of a delimiter.
        const safe = Math.max(0, held.length - delimiter.length);
        if (state === 'file' && safe > 0) yield held.subarray(0, safe);
        held = held.subarray(safe);
        break;
      }
      if (state === 'file') {
        if (at > 0) yield held.subarray(0, at);
        state = 'after';
        break;
      }
      held = held.subarray(at + delimiter.length);
      state = 'head';
    }
  }
  if (state !== 'after') throw new HttpError(400, 'invalid_form_data', 'The form has no complete file part.');
}
