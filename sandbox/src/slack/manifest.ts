/** What the sandbox takes from a Slack app manifest: everything it grants or refuses by. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { SandboxError } from '../errors.ts';

const shortcut = z.object({
  name: z.string(),
  type: z.enum(['message', 'global']),
  callback_id: z.string(),
  description: z.string().default(''),
});

const manifestSchema = z.object({
  display_information: z.object({ name: z.string().min(1) }),
  features: z
    .object({
      bot_user: z.object({ display_name: z.string().min(1) }).optional(),
      app_home: z
        .object({
          home_tab_enabled: z.boolean().default(false),
          messages_tab_enabled: z.boolean().default(true),
        })
        .optional(),
      slash_commands: z
        .array(
          z.object({
            command: z.string().regex(/^\/\S+$/),
            description: z.string().default(''),
            usage_hint: z.string().default(''),
            should_escape: z.boolean().default(false),
            url: z.string().optional(),
          }),
        )
        .default([]),
      shortcuts: z.array(shortcut).default([]),
    })
    .default({ slash_commands: [], shortcuts: [] }),
  oauth_config: z
    .object({ scopes: z.object({ bot: z.array(z.string()).default([]) }).optional() })
    .default({}),
  settings: z
    .object({
      event_subscriptions: z
        .object({ request_url: z.string().optional(), bot_events: z.array(z.string()).default([]) })
        .optional(),
      interactivity: z
        .object({
          is_enabled: z.boolean(),
          request_url: z.string().optional(),
          message_menu_options_url: z.string().optional(),
        })
        .optional(),
      socket_mode_enabled: z.boolean().default(false),
    })
    .default({ socket_mode_enabled: false }),
});

interface SlashCommand {
  command: string;
  description: string;
  usage_hint: string;
  /** Mentions in the text are sent as `<@U…|name>`, `<#C…|name>`. */
  should_escape: boolean;
  url?: string | undefined;
}

interface Shortcut {
  name: string;
  type: 'message' | 'global';
  callback_id: string;
  description: string;
}

export interface AppManifest {
  name: string;
  botName: string;
  commands: SlashCommand[];
  shortcuts: Shortcut[];
  homeTab: boolean;
  botScopes: ReadonlySet<string>;
  botEvents: ReadonlySet<string>;
  interactivity: boolean;
  socketMode: boolean;
  urls: { events?: string | undefined; interactivity?: string | undefined; options?: string | undefined };
}

/**
 * @param source a manifest as an object
 * @throws SandboxError invalid_input listing every field that is wrong
 */
export function parseManifest(source: unknown): AppManifest {
  const parsed = manifestSchema.safeParse(source);
  if (!parsed.success) {
    throw new SandboxError('invalid_input', 'The Slack app manifest cannot be used.', {
      hint: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
    });
  }
  const { display_information, features, oauth_config, settings } = parsed.data;
  return {
    name: display_information.name,
    botName: features.bot_user?.display_name ?? display_information.name,
    commands: features.slash_commands,
    shortcuts: features.shortcuts,
    homeTab: features.app_home?.home_tab_enabled ?? false,
    botScopes: new Set(oauth_config.scopes?.bot ?? []),
    botEvents: new Set(settings.event_subscriptions?.bot_events ?? []),
    interactivity: settings.interactivity?.is_enabled ?? false,
    socketMode: settings.socket_mode_enabled,
    urls: {
      events: settings.event_subscriptions?.request_url,
      interactivity: settings.interactivity?.request_url,
      options: settings.interactivity?.message_menu_options_url,
    },
  };
}

/** @throws SandboxError not_found when there is no such file, invalid_input when it is no manifest */
export async function readManifest(path: string): Promise<AppManifest> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new SandboxError('not_found', `There is no Slack app manifest at ${path}.`, {
      cause,
      hint: 'Give the path of manifest.yml.',
    });
  }
  let source: unknown;
  try {
    source = parse(text);
  } catch (cause) {
    throw new SandboxError('invalid_input', `${path} is not YAML.`, { cause, hint: String(cause) });
  }
  return parseManifest(source);
}
