import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyTooLarge, bodyText } from '../../src/ground/body-text.ts';

const always = new AbortController().signal;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('the text of an answer', () => {
  it('is what it says, wherever it is cut on its way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 5 }),
        async (text, size) => {
          const bytes = Buffer.from(text);
          const body = new ReadableStream<Uint8Array>({
            start(controller) {
              for (let at = 0; at < bytes.length; at += size)
                controller.enqueue(bytes.subarray(at, at + size));
              controller.close();
            },
          });
          expect(await bodyText(new Response(body), always)).toBe(await new Response(bytes).text());
        },
      ),
      { numRuns: 200 },
    );
    expect(await bodyText(new Response(null), always)).toBe('');
  });

  it('is read to its limit and not beyond, however small it was on its way', async () => {
    const packed = gzipSync(Buffer.alloc(100_000, 'a'));
    expect(packed.length).toBeLessThan(1_000);
    const server = createServer((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ends.push(() => new Promise((done) => server.close(done)));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await bodyText(await fetch(address), always, 100_000)).toHaveLength(100_000);
    await expect(bodyText(await fetch(address), always, 99_999)).rejects.toThrow(BodyTooLarge);
  });
});
