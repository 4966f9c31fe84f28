/** Methods about the app and the workspace themselves. */

import { isObject } from '../block-kit/schema.ts';
import { validateBlocks, validateView } from '../block-kit/validate.ts';
import { SlackError } from './errors.ts';
import { parseJson } from './http.ts';
import { type Method, optional, required } from './method.ts';

export const APP_METHODS: Readonly<Record<string, Method>> = {
  'api.test': {
    token: 'none',
    perMinute: 100,
    run: ({ args }) => {
      const { token: _token, ...echoed } = args;
      const error = optional(args, 'error');
      if (error !== undefined) throw new SlackError(error, { args: echoed });
      return { args: echoed };
    },
  },

  'auth.test': {
    perMinute: 600,
    run: ({ context }) => ({
      url: `${context.url}/`,
      team: context.workspace.team.name,
      user: context.workspace.app.name,
      team_id: context.workspace.team.id,
      user_id: context.workspace.app.user,
      bot_id: context.workspace.app.bot,
      is_enterprise_install: false,
    }),
  },

  'apps.connections.open': {
    token: 'app',
    scopes: ['connections:write'],
    // Documented as one a minute; in practice a client that reconnects is let in.
    perMinute: 20,
    run: ({ context }) => {
      const url = context.socketUrl();
      if (url === undefined) throw new SlackError('socket_mode_not_enabled');
      return { url };
    },
  },

  'team.info': {
    scopes: ['team:read'],
    perMinute: 50,
    run: ({ context }) => ({
      team: {
        id: context.workspace.team.id,
        name: context.workspace.team.name,
        url: `${context.url}/`,
        domain: 'sandbox',
        email_domain: 'example.com',
        icon: { image_default: true },
      },
    }),
  },

  'bots.info': {
    scopes: ['users:read'],
    perMinute: 50,
    run: ({ args, context }) => {
      const id = optional(args, 'bot');
      if (id !== undefined && id !== context.workspace.app.bot) throw new SlackError('bot_not_found');
      return {
        bot: {
          id: context.workspace.app.bot,
          deleted: false,
          name: context.manifest.botName,
          updated: 0,
          app_id: context.workspace.app.id,
          user_id: context.workspace.app.user,
          icons: {},
        },
      };
    },
  },

  /** Blocks, a message or a view, checked without being sent. */
  'blocks.validate': {
    token: 'none',
    perMinute: 100,
    run: ({ args }) => {
      const given = ['blocks', 'message', 'view'].find((field) => args[field] !== undefined);
      if (given === undefined) throw SlackError.missingField('blocks');
      const value = typeof args[given] === 'string' ? parseJson(required(args, given)) : args[given];
      const problems =
        given === 'view'
          ? validateView(value)
          : validateBlocks(isObject(value) ? value.blocks : value, 'message', '/blocks');
      if (problems.length > 0) throw SlackError.withProblems('invalid_blocks', problems);
      return {};
    },
  },
};
