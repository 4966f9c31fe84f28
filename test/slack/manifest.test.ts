/** The manifest and the code say the same: nothing in one that the other does not have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Manifest {
  display_information: {
    name: string;
    description: string;
    long_description: string;
    background_color: string;
  };
  features: {
    bot_user: { display_name: string };
    shortcuts: { name: string; callback_id: string; description: string; type: string }[];
    slash_commands: { command: string; description: string; usage_hint?: string }[];
  };
  oauth_config: { scopes: { bot: string[] } };
  settings: {
    event_subscriptions: { bot_events: string[] };
    interactivity: { is_enabled: boolean };
    socket_mode_enabled: boolean;
  };
}

const manifest = parse(read('manifest.yml')) as Manifest;
// What commands offer does not depend on what they work with.
const commands = allCommands({} as Services);

/** Scope → what in the code needs it: a Web API call, or an event. */
const NEEDED_FOR: Readonly<Record<string, readonly string[]>> = {
  'app_mentions:read': ["'app_mention'"],
  'channels:history': ['conversations.history', 'conversations.replies'],
  'channels:read': ['conversations.members'],
  'groups:history': ['conversations.history', 'conversations.replies'],
  'groups:read': ['conversations.members'],
  'chat:write': ['chat.postMessage', 'chat.postEphemeral', 'chat.update', 'chat.delete'],
  commands: ['app.command(', 'app.shortcut('],
  'files:read': ['files.info'],
  'files:write': ['files.getUploadURLExternal', 'files.completeUploadExternal'],
  'im:history': ["channel_type !== 'im'"],
  'usergroups:read': ['usergroups.users.list'],
};

/** Web API methods that need no scope. */
const FREE = ['auth.test', 'views.open', 'views.push', 'views.update', 'views.publish'];

const slackCode = readdirSync(join(root, 'src/slack'))
  .map((name) => read(`src/slack/${name}`))
  .join('\n');

describe('[O3] the manifest', () => {
  it('has every command of the code and no other, in the same words', () => {
    expect(
      manifest.features.slash_commands.map(({ command, description, usage_hint }) => ({
        command,
        description,
        // Slack shows no hint for a command that takes nothing.
        usage_hint: usage_hint ?? '',
      })),
    ).toEqual(
      commands.map(({ name, description, usage }) => ({
        command: `/${name}`,
        description,
        usage_hint: usage,
      })),
    );
  });

  it('has every shortcut of the code and no other', () => {
    expect(manifest.features.shortcuts.map((shortcut) => shortcut.callback_id)).toEqual(
      commands.flatMap((command) => Object.keys(command.shortcuts ?? {})),
    );
  });

  it('has every event that is listened to and no other', () => {
    const listened = [...slackCode.matchAll(/app\.event\('(\w+)'/g)].map((match) =>
      match[1] === 'message' ? 'message.im' : match[1],
    );
    expect([...manifest.settings.event_subscriptions.bot_events].sort()).toEqual(listened.sort());
  });

  it('asks for the scopes that the code needs and for no other', () => {
    expect(manifest.oauth_config.scopes.bot).toEqual(Object.keys(NEEDED_FOR).sort());
    for (const uses of Object.values(NEEDED_FOR)) for (const use of uses) expect(slackCode).toContain(use);
    const calls = [
      ...slackCode.matchAll(/(?:clients\.interactive|#client|interactive)\.((?:\w+\.)+\w+)\(/g),
    ].map((match) => match[1]!);
    expect(calls.length).toBeGreaterThan(8);
    const known = [...FREE, ...Object.values(NEEDED_FOR).flat()];
    expect(calls.filter((call) => !known.includes(call))).toEqual([]);
  });

  it('gives a reason for every scope in the documentation', () => {
    const reasons = read('docs/slack-app.md');
    for (const scope of manifest.oauth_config.scopes.bot) expect(reasons).toContain(`| \`${scope}\` |`);
  });

  it('keeps Slack’s limits', () => {
    const { display_information: about, features } = manifest;
    expect(about.name.length).toBeLessThanOrEqual(35);
    expect(about.description.length).toBeLessThanOrEqual(140);
    expect(about.long_description.length).toBeGreaterThanOrEqual(175);
    expect(about.long_description.length).toBeLessThanOrEqual(4000);
    expect(about.background_color).toMatch(/^#[0-9a-f]{6}$/i);
    expect(features.bot_user.display_name).toMatch(/^[a-z0-9._-]{1,80}$/);
    expect(features.slash_commands.length).toBeLessThanOrEqual(50);
    expect(features.shortcuts.length).toBeLessThanOrEqual(10);
    for (const command of features.slash_commands) {
      expect(command.command).toMatch(/^\/[a-z0-9_-]{1,31}$/);
      expect(command.description.length).toBeLessThanOrEqual(2000);
      expect((command.usage_hint ?? '').length).toBeLessThanOrEqual(1000);
    }
    for (const shortcut of features.shortcuts) {
      expect(shortcut.name.length).toBeLessThanOrEqual(24);
      expect(shortcut.description.length).toBeLessThanOrEqual(150);
      expect(shortcut.callback_id.length).toBeLessThanOrEqual(255);
    }
    expect(manifest.settings.interactivity.is_enabled).toBe(true);
    expect(manifest.settings.socket_mode_enabled).toBe(true);
  });
});
