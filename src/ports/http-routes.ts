/** What a room gives to the HTTP server. */
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
