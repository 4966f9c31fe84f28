/** Slack for an outbox: a sandbox of its own, and what has been posted in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type SandboxMessage, type SlackSandbox, startSlackSandbox } from '#sandbox';
import { DEMO_WORKSPACE } from '../../src/demo/workspace.ts';
import { createClients, type WebClient } from '../../src/slack/clients.ts';
import { type SlackClient, slackClient } from './sandbox-client.ts';

export interface OutboxSlack extends Pick<SlackClient, 'post' | 'messages'> {
  sandbox: SlackSandbox;
  /** Is there as long as the sandbox: a test may keep its stores below it. */
  dir: string;
  newClient(): WebClient;
  /** What outboxes have posted there, oldest first. */
  posted(channel: string): Promise<SandboxMessage[]>;
  close(): Promise<void>;
}

export async function startOutboxSlack(): Promise<OutboxSlack> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-outbox-'));
  const sandbox = await startSlackSandbox({
    dataDir: join(dir, 'sandbox'),
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    world: DEMO_WORKSPACE,
    rateLimits: false,
  });
  const logger = pino({ level: 'silent' });
  const { post, messages } = slackClient(sandbox.url);
  return {
    sandbox,
    dir,
    post,
    messages,
    newClient: () => createClients({ token: sandbox.botToken, apiUrl: sandbox.apiUrl, logger }).outbox,
    posted: async (channel) => (await messages(channel)).filter(({ metadata }) => metadata !== undefined),
    close: async () => {
      await sandbox.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
