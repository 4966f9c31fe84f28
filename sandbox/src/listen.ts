/** Opening and closing a server of the sandbox, which answers this machine only. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SandboxError } from './errors.ts';

/**
 * Listens on 127.0.0.1.
 * @param side `Slack`, `AWS` or `RunPod`, for the error's words
 * @param option of the command line, to choose another port
 * @param port 0: any free one
 * @returns the port in use
 * @throws SandboxError unavailable, when another program has the port or the system allows none
 */
export function listen(
  server: Server,
  port: number,
  { side, option }: { side: 'Slack' | 'AWS' | 'RunPod'; option: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const words =
        cause.code === 'EADDRINUSE'
          ? `127.0.0.1:${port} is in use, so the sandbox's ${side} side cannot start.`
          : `The sandbox's ${side} side cannot listen on 127.0.0.1:${port}: ${cause.code ?? cause.message}.`;
      const hint = `Choose another port with ${option}, or 0 for any free one.`;
      reject(new SandboxError('unavailable', words, { cause, hint }));
    });
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Ends all connections, those in the middle of an answer too. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
