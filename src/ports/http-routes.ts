/** The routes that a room gives the HTTP server, and how all rooms answer in JSON. */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';

export interface HttpEnv {
  /** Node's own request and response, as `c.env.incoming` and `c.env.outgoing`. */
  Bindings: HttpBindings;
  Variables: {
    /** Calls `end` when the server stops, so that a stream can say goodbye and close; the server waits for it. */
    atStop(end: () => void): void;
  };
}

/** Routes with whole paths, which may have parameters: `/runs/:id/logs`. */
export type HttpRoutes = Hono<HttpEnv>;

/** @param headers besides those for JSON and against caching */
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
