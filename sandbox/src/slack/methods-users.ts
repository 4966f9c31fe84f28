/** People and user groups. */

import type { Json } from '../block-kit/schema.ts';
import type { SandboxUser } from '../protocol.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { flag, type Method, page, required } from './method.ts';

const READ = ['users:read'] as const;

export const USER_METHODS: Readonly<Record<string, Method>> = {
  'users.info': {
    scopes: READ,
    perMinute: 100,
    run: ({ context, args }) => {
      const user = context.workspace.users.get(required(args, 'user'));
      if (user === undefined) throw new SlackError('user_not_found');
      return { user: wireUser(context, user) };
    },
  },

  'users.list': {
    scopes: READ,
    perMinute: 20,
    run: ({ context, args }) => {
      const { items, metadata } = page(args, [...context.workspace.users.values()], {
        max: 1000,
        prefix: 'user',
        keyOf: ({ id }) => id,
      });
      return {
        members: items.map((user) => wireUser(context, user)),
        cache_ts: Math.floor(context.clock.now() / 1000),
        response_metadata: metadata,
      };
    },
  },

  'users.lookupByEmail': {
    scopes: ['users:read.email'],
    perMinute: 50,
    run: ({ context, args }) => {
      const email = required(args, 'email').toLowerCase();
      const user = [...context.workspace.users.values()].find((one) => !one.is_bot && emailOf(one) === email);
      if (user === undefined) throw new SlackError('users_not_found');
      return { user: wireUser(context, user) };
    },
  },

  'usergroups.list': {
    scopes: ['usergroups:read'],
    perMinute: 20,
    run: ({ context, args }) => ({
      usergroups: context.workspace.userGroups.map((group) => ({
        id: group.id,
        team_id: context.workspace.team.id,
        is_usergroup: true,
        name: group.name,
        description: '',
        handle: group.handle,
        is_external: false,
        date_create: 0,
        date_update: 0,
        date_delete: 0,
        auto_type: null,
        prefs: { channels: [], groups: [] },
        ...(flag(args, 'include_users') ? { users: group.users } : {}),
        ...(flag(args, 'include_count') ? { user_count: group.users.length } : {}),
      })),
    }),
  },

  'usergroups.users.list': {
    scopes: ['usergroups:read'],
    perMinute: 20,
    run: ({ context, args }) => {
      const id = required(args, 'usergroup');
      const group = context.workspace.userGroups.find((one) => one.id === id);
      if (group === undefined) throw new SlackError('no_such_subteam');
      return { users: group.users };
    },
  },
};

const emailOf = (user: SandboxUser): string => `${user.name}@example.com`;

function wireUser(context: Context, user: SandboxUser): Json {
  const [first_name, ...rest] = user.real_name.split(' ');
  return {
    id: user.id,
    team_id: context.workspace.team.id,
    name: user.name,
    deleted: false,
    color: user.color.replace('#', ''),
    real_name: user.real_name,
    tz: 'Europe/Berlin',
    tz_label: 'Central European Time',
    tz_offset: 3600,
    profile: {
      title: user.title,
      real_name: user.real_name,
      real_name_normalized: user.real_name,
      display_name: user.name,
      display_name_normalized: user.name,
      first_name,
      last_name: rest.join(' '),
      status_text: '',
      status_emoji: '',
      team: context.workspace.team.id,
      ...(user.is_bot ? { api_app_id: context.workspace.app.id, bot_id: context.workspace.app.bot } : {}),
      ...(context.manifest.botScopes.has('users:read.email') && !user.is_bot ? { email: emailOf(user) } : {}),
    },
    is_admin: false,
    is_owner: false,
    is_restricted: false,
    is_ultra_restricted: false,
    is_bot: user.is_bot,
    is_app_user: false,
    updated: 0,
  };
}
