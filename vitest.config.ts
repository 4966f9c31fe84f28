import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Whole-workspace tests live with Slack's quotas by the minute; a loaded CI machine may miss one once.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 200_000,
    hookTimeout: 90_000,
  },
});
