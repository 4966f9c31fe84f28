/** `Range` of a request (RFC 9110, section 14): the one range of bytes that a client asks of a file. */

/** Both ends included, counted from 0. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * @param header such as `bytes=0-99`, `bytes=100-` or `bytes=-500` (the last 500)
 * @returns undefined to send it whole: no range, several of them, or a unit that is not bytes, which a server may
 *   ignore; `unsatisfiable` when the file has no such byte
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}
