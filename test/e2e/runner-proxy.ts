/** Between a bot and its runner, in tests that must know when the bot has asked. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes on to the runner, wherever it listens now, and tells when it has been asked for its runs. */
export async function runnerProxy(
  url: () => string,
): Promise<{ url: string; listed: Promise<void>; close(): void }> {
  let tell = (): void => {};
  const listed = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const server = createServer((asked, answer) => {
    if (asked.url!.startsWith('/runs?')) answer.once('finish', tell);
    const onward = request(
      url() + asked.url,
      { method: asked.method, headers: asked.headers },
      (response) => {
        answer.writeHead(response.statusCode!, response.headers);
        response.pipe(answer);
        // Whoever is cut off in the middle is so on both sides.
        response.once('close', () => answer.destroy());
      },
    );
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, listed, close: () => server.close() };
}
