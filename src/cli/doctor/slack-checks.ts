/** The doctor's checks of Slack: tokens, scopes, Socket Mode, channels, user groups. */
import { readFile } from 'node:fs/promises';
import { WebClient, type WebClientOptions } from '@slack/web-api';
import { parse } from 'yaml';
import type { SlackConfig } from '../../config.ts';
import { CHANNEL_MEMBERS, type UseCase } from '../../domain/use-cases.ts';
import { slackFetch } from '../../slack/answers.ts';
import { MANIFEST_PATH } from '../manifest.ts';
import { type Check, subject } from './checks.ts';

const slack = subject('Slack');

export async function checkSlack(
  config: SlackConfig | undefined,
  useCases: readonly UseCase[],
): Promise<Check[]> {
  if (!config) {
    return [
      slack.failed(
        'tokens',
        'the environment has no SLACK_BOT_TOKEN with SLACK_APP_TOKEN or SLACK_SIGNING_SECRET',
        'Add them to .env: the bot token from "OAuth & Permissions", the app-level token from "Basic Information".',
      ),
    ];
  }
  const client = (token: string): WebClient => new WebClient(token, clientOptions(config));
  const bot = client(config.botToken);
  const token = await checkToken(bot);
  const connection = await checkConnection(config, client);
  // Without a working token, everything else would only fail the same way.
  if (token.checks.some(({ status }) => status === 'failed')) return [...token.checks, connection];
  const [channels, groups] = await Promise.all([
    checkChannels(bot, useCases, token.botName),
    checkGroups(bot, useCases),
  ]);
  return [...token.checks, connection, ...channels, ...groups];
}

function clientOptions(config: SlackConfig): WebClientOptions {
  return {
    ...(config.apiUrl === undefined ? {} : { slackApiUrl: config.apiUrl }),
    timeout: 10_000,
    fetch: slackFetch,
    retryConfig: { retries: 2, minTimeout: 300, maxTimeout: 2_000 },
    // The checks report failures; the client's own lines would clutter them.
    logger: {
      debug() {},
      info() {},
      warn() {},
      error() {},
      setLevel() {},
      setName() {},
      getLevel: () => 'error' as never,
    },
  };
}

async function checkToken(bot: WebClient): Promise<{ checks: Check[]; botName: string }> {
  try {
    const who = await bot.auth.test();
    const botName = who.user ?? 'signalbox';
    const granted = who.response_metadata?.scopes;
    return {
      botName,
      checks: [
        slack.ok('bot token', `${botName} in ${who.team ?? who.team_id} (${who.url ?? 'no address'})`),
        granted
          ? await checkScopes(granted)
          : slack.skipped('scopes', 'Slack did not list the scopes of the token'),
      ],
    };
  } catch (error) {
    return {
      botName: 'signalbox',
      checks: [
        slack.failed(
          'bot token',
          `Slack refused it: ${slackError(error)}`,
          tokenFix(slackError(error), 'SLACK_BOT_TOKEN'),
        ),
      ],
    };
  }
}

async function checkScopes(granted: readonly string[]): Promise<Check> {
  const manifest = parse(await readFile(MANIFEST_PATH, 'utf8')) as {
    oauth_config?: { scopes?: { bot?: string[] } };
  };
  const wanted = manifest.oauth_config?.scopes?.bot ?? [];
  const missing = wanted.filter((scope) => !granted.includes(scope));
  if (missing.length === 0) return slack.ok('scopes', `all ${wanted.length} of manifest.yml are granted`);
  return slack.failed(
    'scopes',
    `missing: ${missing.join(', ')}`,
    'At api.slack.com/apps open the app, put the current manifest.yml under "App Manifest", save, and reinstall the app.',
  );
}

async function checkConnection(config: SlackConfig, client: (token: string) => WebClient): Promise<Check> {
  if (config.connection.mode === 'http') {
    return slack.ok(
      'HTTP mode',
      `listens for Slack’s signed requests at POST /slack/events on port ${config.connection.port}; the first command will show whether Slack reaches it`,
    );
  }
  try {
    // Request an address but do not connect: Slack would send a running bot's commands here.
    await client(config.connection.appToken).apps.connections.open();
    return slack.ok('Socket Mode', 'the app-level token opens connections');
  } catch (error) {
    const code = slackError(error);
    return slack.failed(
      'Socket Mode',
      `Slack refused the connection: ${code}`,
      code === 'missing_scope' || code === 'not_allowed_token_type'
        ? 'Create an app-level token with the scope connections:write ("Basic Information → App-Level Tokens") and set SLACK_APP_TOKEN to it.'
        : code === 'forbidden_team' || code === 'access_denied'
          ? 'Turn Socket Mode on in the app ("Socket Mode"), and check that the app is installed.'
          : tokenFix(code, 'SLACK_APP_TOKEN'),
    );
  }
}

async function checkChannels(
  bot: WebClient,
  useCases: readonly UseCase[],
  botName: string,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const useCase of useCases) {
    const about = subject(`use case ${useCase.id}`);
    const ids = new Set([...useCase.channels, ...(useCase.alertsChannel ? [useCase.alertsChannel] : [])]);
    for (const id of ids) {
      const title = `channel ${id}`;
      try {
        const { channel } = await bot.conversations.info({ channel: id });
        const name = `#${channel?.name ?? id}`;
        if (channel?.is_archived)
          checks.push(
            about.failed(
              title,
              `${name} is archived`,
              'Unarchive it, or use another channel in signalbox.yaml.',
            ),
          );
        else if (channel?.is_member) checks.push(about.ok(title, `${name}, joined`));
        else
          checks.push(
            about.failed(title, `the bot is not in ${name}`, `In ${name} send: /invite @${botName}`),
          );
      } catch (error) {
        const code = slackError(error);
        checks.push(
          about.failed(
            title,
            `Slack refused to show it: ${code}`,
            code === 'channel_not_found'
              ? `Check the id (channel name → "View channel details", at the bottom). If the channel is private, send this in it: /invite @${botName}`
              : genericFix(code),
          ),
        );
      }
    }
  }
  return checks;
}

async function checkGroups(bot: WebClient, useCases: readonly UseCase[]): Promise<Check[]> {
  const wanted = useCases.flatMap(({ id, access }) =>
    Object.entries(access).flatMap(([role, grantees]) =>
      (grantees ?? [])
        .filter((grantee) => grantee !== CHANNEL_MEMBERS && grantee.startsWith('S'))
        .map((group) => ({ useCase: id, role, group })),
    ),
  );
  if (wanted.length === 0) return [];
  let known: Map<string, { handle?: string; disabled: boolean }>;
  try {
    const { usergroups = [] } = await bot.usergroups.list({ include_disabled: true });
    known = new Map(
      usergroups.map(({ id = '', handle, date_delete }) => [
        id,
        { ...(handle === undefined ? {} : { handle }), disabled: (date_delete ?? 0) > 0 },
      ]),
    );
  } catch (error) {
    const code = slackError(error);
    return [slack.failed('user groups', `Slack refused to list them: ${code}`, genericFix(code))];
  }
  return wanted.map(({ useCase, role, group }) => {
    const about = subject(`use case ${useCase}`);
    const title = `user group ${group}`;
    const found = known.get(group);
    if (!found)
      return about.failed(
        title,
        `there is no such user group (access.${role})`,
        `Correct the id in signalbox.yaml. Known: ${[...known].map(([id, { handle }]) => `${id} (@${handle})`).join(', ') || 'none'}`,
      );
    return found.disabled
      ? about.failed(
          title,
          `@${found.handle} is disabled (access.${role})`,
          'Enable it in Slack, or use another one.',
        )
      : about.ok(title, `@${found.handle} (access.${role})`);
  });
}

function tokenFix(code: string, variable: string): string {
  switch (code) {
    case 'invalid_auth':
    case 'not_authed':
    case 'token_revoked':
    case 'token_expired':
    case 'account_inactive':
      return `Copy the token again from the app's settings into ${variable}; reinstall the app if it was removed.`;
    default:
      return genericFix(code);
  }
}

function genericFix(code: string): string {
  if (code === 'missing_scope')
    return 'Put the current manifest.yml under "App Manifest" in the app\'s settings, save, and reinstall the app.';
  if (/^[a-z_]+$/.test(code)) return `Look up "${code}" at api.slack.com/methods, and run the doctor again.`;
  return 'Check the network from this machine to Slack (proxy, firewall, SLACK_API_URL), and run the doctor again.';
}

/** Slack's error code, or what went wrong in between. */
function slackError(error: unknown): string {
  const { data, original, message } = (error ?? {}) as {
    data?: { error?: string };
    original?: Error;
    message?: string;
  };
  return data?.error ?? original?.message ?? message ?? String(error);
}
