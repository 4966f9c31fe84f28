/** The bot in a process of its own, quicker with its messages than Slack allows: for tests that kill it. */
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import type { Ticker } from '../../src/operations/refresh-jobs.ts';

/** How often it looks at AWS by itself; left out: as in operation. */
const TICKS: Record<string, Ticker> = {
  never: () => ({ stop: () => {} }),
  once: (tick) => {
    tick();
    return { stop: () => {} };
  },
};
const ticker = TICKS[process.env.TICKS ?? ''];

await startApp({
  config: loadConfig({ env: process.env, requireSlack: true }),
  logger: createLogger({ level: 'info' }),
  pace: {
    editInterval: 10,
    quotaFactor: 100,
    rememberMembers: 0,
    uploads: { retryDelay: 10 },
    ...(ticker ? { ticker } : {}),
  },
});
