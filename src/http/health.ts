/** `/healthz`: the process runs. `/readyz`: it can do its work now, or what is in the way. */
import type { Route } from './routes.ts';
import { sendJson } from './routes.ts';

export interface ReadinessCheck {
  /** What it is about: `slack`, `store`. */
  name: string;
  /** Undefined when all is well, else what is wrong. Must answer at once, from what is known. */
  problem(): string | undefined;
}

export function healthRoutes(checks: readonly ReadinessCheck[]): Route[] {
  return [
    {
      path: '/healthz',
      method: 'GET',
      handler: (_request, response) => sendJson(response, 200, { ok: true }),
    },
    {
      path: '/readyz',
      method: 'GET',
      handler: (_request, response) => {
        const problems = checks.flatMap(({ name, problem }) => {
          const text = problem();
          return text === undefined ? [] : [{ name, problem: text }];
        });
        sendJson(response, problems.length === 0 ? 200 : 503, { ok: problems.length === 0, problems });
      },
    },
  ];
}
