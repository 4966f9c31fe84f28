import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // On Node 20 the AWS SDK announces in every test file which of its later versions will want Node 22.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['test/**/*.test.ts', 'sandbox/test/**/*.test.ts'],
    // End-to-end tests mostly wait for the seconds of Slack’s quotas: one at a time leaves two cores idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 200_000,
    hookTimeout: 180_000,
    // A second, the default, is a statement about the machine: beside other work nothing is sure to come within it.
    expect: { poll: { timeout: 60_000 } },
  },
});
