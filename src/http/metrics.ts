/** `/metrics`, for Prometheus: on a server of its own, which only this machine reaches unless a token guards it. */
import { Hono } from 'hono';
import type { HttpEnv, HttpRoutes } from '../ports/http-routes.ts';
import { bearerRefusal } from './bearer.ts';

export interface MetricsRoutesOptions {
  /** Left out: whoever reaches the port may read. */
  token: string | undefined;
  metrics: { readonly contentType: string; collect(): Promise<string> };
}

export function metricsRoutes({ token, metrics }: MetricsRoutesOptions): HttpRoutes {
  return new Hono<HttpEnv>().get('/metrics', async (c) => {
    const refusal = token === undefined ? undefined : bearerRefusal(c.req.raw, token);
    return (
      refusal ??
      new Response(await metrics.collect(), {
        headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
      })
    );
  });
}
