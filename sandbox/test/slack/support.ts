/** A sandbox for one test file, with a manifest of its own, and ways to talk to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogLevel, WebClient } from '@slack/web-api';
import type { InteractionResult, SandboxMessage, SandboxView } from '../../src/protocol.ts';
import { type SlackSandbox, type SlackSandboxOptions, startSlackSandbox } from '../../src/slack/index.ts';
import { WORKSPACE } from '../workspace.ts';

export const MANIFEST = {
  display_information: { name: 'Signalbox' },
  features: {
    bot_user: { display_name: 'signalbox' },
    app_home: { home_tab_enabled: true, messages_tab_enabled: true },
    slash_commands: [
      { command: '/logs', description: 'The log of a training job', usage_hint: '<job>' },
      { command: '/escaped', description: 'Gets mentions escaped', should_escape: true },
    ],
    shortcuts: [
      { name: 'Get logs', type: 'message', callback_id: 'get_logs', description: 'The log' },
      { name: 'Start', type: 'global', callback_id: 'start', description: 'Start something' },
    ],
  },
  oauth_config: {
    scopes: {
      bot: [
        'commands',
        'chat:write',
        'channels:read',
        'channels:history',
        'groups:read',
        'im:read',
        'im:write',
        'im:history',
        'files:write',
        'files:read',
        'users:read',
        'usergroups:read',
        'app_mentions:read',
      ],
    },
  },
  settings: {
    event_subscriptions: {
      bot_events: ['app_mention', 'message.im', 'app_home_opened', 'member_joined_channel'],
    },
    interactivity: { is_enabled: true },
    socket_mode_enabled: true,
  },
};

/** Time that stands still unless it is moved. */
export class TestClock {
  at = 1_763_716_800_000;
  now(): number {
    return this.at;
  }
  advance(ms: number): void {
    this.at += ms;
  }
}

export interface Rig {
  sandbox: SlackSandbox;
  client: WebClient;
  dataDir: string;
  get<T = Record<string, unknown>>(path: string): Promise<T>;
  post<T = InteractionResult>(path: string, body: unknown, method?: string): Promise<T>;
  /** A Web API call as it is on the wire. */
  api(
    method: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>;
  messages(channel: string, query?: string): Promise<SandboxMessage[]>;
  views(user: string): Promise<SandboxView[]>;
  close(): Promise<void>;
}

export async function startRig(options: Partial<SlackSandboxOptions> = {}): Promise<Rig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'slack-sandbox-'));
  const sandbox = await startSlackSandbox({
    dataDir,
    manifest: MANIFEST,
    world: WORKSPACE,
    rateLimits: false,
    shareDelayMs: 5,
    eventRetriesMs: [1, 1, 1],
    ...options,
  });
  const json = async <T>(path: string, init?: RequestInit): Promise<T> =>
    (await fetch(sandbox.url + path, init)).json() as Promise<T>;
  const rig: Rig = {
    sandbox,
    dataDir,
    client: new WebClient(sandbox.botToken, {
      slackApiUrl: sandbox.apiUrl,
      retryConfig: { retries: 0 },
      logLevel: 'error' as LogLevel,
    }),
    get: (path) => json(path),
    post: (path, body, method = 'POST') =>
      json(path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
      }),
    api: async (method, body, headers = {}) => {
      const response = await fetch(sandbox.apiUrl + method, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          authorization: `Bearer ${sandbox.botToken}`,
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Record<string, unknown>,
      };
    },
    messages: async (channel, query = '') => {
      const path = `/sandbox/slack/messages?channel=${encodeURIComponent(channel)}${query}`;
      return (await json<{ messages: SandboxMessage[] }>(path)).messages;
    },
    views: async (user) => (await json<{ views: SandboxView[] }>(`/sandbox/slack/views?user=${user}`)).views,
    close: async () => {
      await sandbox.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return rig;
}

/** The error code of a Web API call that must fail. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as { data?: { error?: string } }).data?.error ?? String(error);
  }
  return 'ok';
}
