/** The bot in a process of its own, quicker with its messages than Slack allows: for tests that kill it. */
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';

await startApp({
  config: loadConfig({ env: process.env, requireSlack: true }),
  logger: createLogger({ level: 'info' }),
  pace: { editInterval: 10, rememberMembers: 0, uploads: { retryDelay: 10 } },
});
