import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bodyPieces } from '../../src/ground/body-pieces.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: Server;
let address: string;
/** Answers that go on, the newest last. */
let answers: ServerResponse[];

beforeEach(async () => {
  answers = [];
  server = createServer((_, response) => {
    answers.push(response.writeHead(200));
    response.write('first');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
});

/** Whoever has only the pieces has neither the request nor the response, which may be collected. */
async function begin(signal: AbortSignal): Promise<AsyncGenerator<Uint8Array, void, void>> {
  // As whoever sends a secret asks; without it the signal is not forgotten.
  const { body } = await fetch(address, { signal, redirect: 'error' });
  return bodyPieces(body!, signal);
}

describe('the pieces of a body', () => {
  it('end with the signal, and the connection too, whatever garbage was collected since the answer came', async () => {
    const controller = new AbortController();
    const pieces = await begin(controller.signal);
    expect(String(Buffer.from((await pieces.next()).value!))).toBe('first');
    const next = pieces.next();
    for (let round = 0; round < 10; round += 1) {
      await sleep(20);
      collectGarbage();
    }
    const closed = once(answers[0]!, 'close');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    await closed;
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
  });

  it('are none when the signal was aborted before they were asked for', async () => {
    const controller = new AbortController();
    const pieces = await begin(controller.signal);
    const closed = once(answers[0]!, 'close');
    controller.abort(new Error('enough'));
    await closed;
    await expect(pieces.next()).rejects.toThrow('enough');
  });

  it('end with who reads them', async () => {
    const pieces = await begin(new AbortController().signal);
    for await (const piece of pieces) {
      expect(piece).toHaveLength(5);
      break;
    }
    await once(answers[0]!, 'close');
  });

  it('end with the body, or as it breaks', async () => {
    const { signal } = new AbortController();
    const whole = await begin(signal);
    await whole.next();
    answers[0]!.end('last');
    expect(String(Buffer.from((await whole.next()).value!))).toBe('last');
    expect((await whole.next()).done).toBe(true);
    const broken = await begin(signal);
    await broken.next();
    answers[1]!.destroy();
    await expect(broken.next()).rejects.toThrow('terminated');
  });
});
