import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { whyNoPostgres } from './test/fixtures/postgres.ts';

/** End-to-end tests of what depends on the store. With SIGNALBOX_TEST_STORE=postgres all of them, and nothing else. */
const ON_POSTGRES = [
  'alerts',
  'apart',
  'compile',
  'kept-runs',
  'logs-process',
  'notifications',
  'storm',
  'watch-in-slack',
].map((name) => `test/e2e/${name}.test.ts`);
const all = process.env.SIGNALBOX_TEST_STORE === 'postgres';

const noPostgres = await whyNoPostgres();
if (noPostgres) console.warn(`End-to-end tests on PostgreSQL: ${noPostgres}`);
const tests: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'tests', include: ['test/**/*.test.ts', 'sandbox/test/**/*.test.ts'] },
};
const postgres: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'postgres',
    include: all ? ['test/e2e/*.test.ts'] : ON_POSTGRES,
    // Backups are of the embedded store, and so is the store of the parts that are put together without a bot.
    exclude: ['test/e2e/backup.test.ts', 'test/e2e/slack-down.test.ts'],
    globalSetup: 'test/fixtures/shared-postgres.ts',
    setupFiles: 'test/fixtures/on-postgres.ts',
  },
};

export default defineConfig({
  test: {
    projects: [...(all ? [] : [tests]), ...(noPostgres ? [] : [postgres])],
    // On Node 20 the AWS SDK announces in every test file which of its later versions will want Node 22.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // End-to-end tests mostly wait for the seconds of Slack’s quotas: one at a time leaves two cores idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 200_000,
    hookTimeout: 180_000,
    // A second, the default, is a statement about the machine: beside other work nothing is sure to come within it.
    expect: { poll: { timeout: 60_000 } },
  },
});
