/** What a room gives to the HTTP server, and how all of them answer in JSON. */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';

export interface HttpEnv {
  /** Node's own request and response, as `c.env.incoming` and `c.env.outgoing`. */
  Bindings: HttpBindings;
  Variables: {
    /** Calls `end` when the server stops, which waits for the response: a stream says goodbye and closes. */
    atStop(end: () => void): void;
  };
}

/** Routes with their whole paths, also with parameters: `/runs/:id/logs`. */
export type HttpRoutes = Hono<HttpEnv>;

/** @param headers the room’s own, besides those that say it is JSON and is not to be kept */
export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  const text = `${JSON.stringify(body)}\n`;
  return new Response(text, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      'cache-control': 'no-store',
      ...headers,
    },
  });
}
