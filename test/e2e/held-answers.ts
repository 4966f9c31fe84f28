/** A way to a service on which a test can hold an answer back: the service has done what it was asked, and nobody knows yet. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Held {
  /** Resolves when the service has answered. */
  answered: Promise<void>;
  /** Whether it has. */
  hasAnswered(): boolean;
  /** Lets the answer through. */
  release(): void;
}

export interface HeldAnswers {
  /** Use this in place of the service's own address. */
  url: string;
  /**
   * Holds the answer to the next request of this operation; all others go through.
   * @param operation the end of its path, as Slack has it (`chat.postMessage`), or of AWS's target (`DescribeTrainingJob`)
   * @param says words of its body
   */
  holdNext(operation: string, says?: string): Held;
  /** How many such requests have come so far. */
  count(operation: string, says?: string): number;
  close(): Promise<void>;
}

interface Hold {
  operation: string;
  says: string;
  answered: () => void;
  free: Promise<void>;
  release: () => void;
}

/** @param service where the requests go */
export async function holdAnswers(service: string): Promise<HeldAnswers> {
  const { hostname, port } = new URL(service);
  const holds = new Set<Hold>();
  const all: Hold[] = [];
  const asked: { names: string[]; body: Buffer }[] = [];
  const isOne = ({ names, body }: (typeof asked)[number], operation: string, says: string): boolean =>
    names.some((name) => name.endsWith(operation)) && body.includes(says);

  function take(incoming: IncomingMessage, body: Buffer): Hold | undefined {
    const names = [incoming.url?.split('?')[0], incoming.headers['x-amz-target']].map(String);
    asked.push({ names, body });
    for (const hold of holds)
      if (isOne({ names, body }, hold.operation, hold.says)) {
        holds.delete(hold);
        return hold;
      }
    return undefined;
  }

  async function pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const hold = take(incoming, body);
    const { method, url: path, headers } = incoming;
    // With the host that the caller has signed.
    const onward = request({ hostname, port, method, path, headers });
    onward.end(body);
    const came = await new Promise<IncomingMessage>((resolve, reject) => {
      onward.once('response', resolve).once('error', reject);
    });
    const content = await buffer(came);
    if (hold) {
      hold.answered();
      await hold.free;
    }
    answer.writeHead(came.statusCode!, came.headers).end(content);
  }

  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdNext(operation, says = '') {
      let hasAnswered = false;
      let answered = (): void => {};
      let release = (): void => {};
      const whenAnswered = new Promise<void>((resolve) => {
        answered = () => {
          hasAnswered = true;
          resolve();
        };
      });
      const free = new Promise<void>((resolve) => {
        release = resolve;
      });
      const hold: Hold = { operation, says, answered, free, release };
      holds.add(hold);
      all.push(hold);
      return { answered: whenAnswered, hasAnswered: () => hasAnswered, release };
    },
    count: (operation, says = '') => asked.filter((one) => isOne(one, operation, says)).length,
    async close() {
      for (const { release } of all) release();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
