/** `/healthz`: the process is running. `/readyz`: it can do its work, or what prevents it. */
import { Hono } from 'hono';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';

export interface ReadinessCheck {
  /** What it is about: `slack`, `store`. */
  name: string;
  /** The problem, or undefined if all is well. Must answer at once, from what is known. */
  problem(): string | undefined;
}

export function healthRoutes(checks: readonly ReadinessCheck[]): HttpRoutes {
  return new Hono<HttpEnv>()
    .get('/healthz', () => jsonAnswer(200, { ok: true }))
    .get('/readyz', () => {
      const problems = checks.flatMap(({ name, problem }) => {
        const text = problem();
        return text === undefined ? [] : [{ name, problem: text }];
      });
      return jsonAnswer(problems.length === 0 ? 200 : 503, { ok: problems.length === 0, problems });
    });
}
