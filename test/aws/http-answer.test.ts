import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerReader, type HttpAnswer } from '../../src/aws/http-answer.ts';

/** Memory with room for some bodies, that says what it has not had back. */
function memory(largest = 64) {
  const out = new Set<ArrayBufferLike>();
  return {
    out,
    take: (bytes: number) => {
      if (bytes > largest) return undefined;
      const body = Buffer.allocUnsafeSlow(largest);
      out.add(body.buffer);
      return body;
    },
    give: (body: Buffer) => void out.delete(body.buffer),
  };
}

/** Receives as a connection does: into the body's own place where it is known, else into memory that is used again. */
function receive(reader: AnswerReader, bytes: Buffer, cuts: readonly number[]): void {
  const scratch = Buffer.alloc(Math.max(1, bytes.length));
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    while (at < Math.min(cut, bytes.length)) {
      const { room } = reader;
      const piece = bytes.subarray(at, Math.min(cut, bytes.length, at + (room?.length ?? Infinity)));
      if (room) {
        piece.copy(room);
        reader.filled(piece.length);
      } else {
        piece.copy(scratch);
        reader.feed(scratch.subarray(0, piece.length));
        scratch.fill(0);
      }
      at += piece.length;
    }
  }
}

function read(bytes: string | Buffer, cuts: readonly number[] = []): HttpAnswer {
  const reader = new AnswerReader(memory());
  receive(reader, Buffer.from(bytes as string, 'latin1'), cuts);
  if (!reader.isWhole) reader.end();
  return reader.answer();
}

const framings = ['length', 'chunks', 'close'] as const;

/** An answer in one of the ways that HTTP has to say where it ends. */
function written(body: Buffer, framing: (typeof framings)[number], chunk: number): Buffer {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: a\r\nX-Two: 1\r\nx-two: 2\r\n';
  if (framing === 'close') return Buffer.concat([Buffer.from(`${head}\r\n`), body]);
  if (framing === 'length')
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  const parts: Buffer[] = [Buffer.from(`${head}Transfer-Encoding: Chunked\r\n\r\n`)];
  for (let at = 0; at < body.length; at += chunk) {
    const piece = body.subarray(at, at + chunk);
    parts.push(Buffer.from(`${piece.length.toString(16).toUpperCase()};x=y\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nTrailer: t\r\n\r\n')]);
}

describe('[L5] an HTTP answer', () => {
  it('is the same however its bytes are cut, and whatever stood before it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(...framings),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.boolean(),
        (content, framing, chunk, cuts, hint) => {
          const body = Buffer.from(content);
          const before = Buffer.from(hint ? 'HTTP/1.1 100 Continue\r\n\r\n' : '');
          const answer = read(
            Buffer.concat([before, written(body, framing, chunk)]),
            cuts.sort((a, b) => a - b),
          );
          expect(answer).toMatchObject({ statusCode: 200, reason: 'OK' });
          expect(answer.headers).toMatchObject({ 'content-type': 'a', 'x-two': '1, 2' });
          expect(answer.body.equals(body)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('that ends too early is a broken connection, and its memory is given back', () => {
    fc.assert(
      fc.property(fc.constantFrom('length' as const, 'chunks' as const), fc.nat(), (framing, at) => {
        const bytes = written(Buffer.alloc(50, 1), framing, 20);
        const lent = memory();
        const reader = new AnswerReader(lent);
        receive(reader, bytes.subarray(0, at % bytes.length), []);
        expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'ECONNRESET' }));
        reader.drop();
        expect(lent.out.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n', true],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.1 200\r\nContent-Length: 1, 1\r\n\r\nx', true],
    ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', false],
    ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx', true],
  ])('%j says whether the connection lasts: %s', (text, lasts) => {
    const reader = new AnswerReader(memory());
    receive(reader, Buffer.from(text), []);
    expect([reader.isWhole, reader.lastsOn]).toEqual([true, lasts]);
  });

  it.each([
    'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno header\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n',
    `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
  ])('%j… is refused', (text) => {
    const reader = new AnswerReader(memory());
    expect(() => reader.feed(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'ECONNRESET' }));
  });
});
