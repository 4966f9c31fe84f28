/** The text of an answer, up to a length: `fetch` unpacks what is compressed, and a few kilobytes may become gigabytes. */
import { bodyPieces } from './body-pieces.ts';

/** More than any answer of the services that are asked has. */
const MOST = 64 * 1024 * 1024;

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';

  constructor(most: number) {
    super(`the answer is longer than ${most} bytes`);
  }
}

/**
 * @param signal that `fetch` was given
 * @param most bytes, unpacked
 * @throws BodyTooLarge, and the rest is not read; the signal's reason; what `response.text()` throws
 */
export async function bodyText(response: Response, signal: AbortSignal, most = MOST): Promise<string> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const piece of bodyPieces(response.body, signal)) {
    bytes += piece.byteLength;
    if (bytes > most) throw new BodyTooLarge(most);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
