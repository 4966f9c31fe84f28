import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // On Node 20 the AWS SDK announces in every test file which of its later versions will want Node 22.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    include: ['test/**/*.test.ts'],
    // Whole-workspace tests live with Slack's quotas by the minute; a loaded CI machine may miss one once.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 200_000,
    hookTimeout: 90_000,
  },
});
