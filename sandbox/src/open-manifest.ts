/** The manifest of a sandbox that was given none: an app that may do everything here, with one command to try. */
export const OPEN_MANIFEST = {
  display_information: { name: 'App' },
  features: {
    bot_user: { display_name: 'app' },
    app_home: { home_tab_enabled: true, messages_tab_enabled: true },
    slash_commands: [{ command: '/hello', description: 'Try your app', usage_hint: '[name]' }],
  },
  oauth_config: {
    scopes: {
      bot: [
        'app_mentions:read',
        'channels:history',
        'channels:join',
        'channels:manage',
        'channels:read',
        'chat:write',
        'chat:write.customize',
        'chat:write.public',
        'commands',
        'files:read',
        'files:write',
        'groups:history',
        'groups:read',
        'groups:write',
        'im:history',
        'im:read',
        'im:write',
        'reactions:write',
        'team:read',
        'usergroups:read',
        'users:read',
        'users:read.email',
      ],
    },
  },
  settings: {
    event_subscriptions: {
      bot_events: [
        'app_home_opened',
        'app_mention',
        'file_shared',
        'member_joined_channel',
        'member_left_channel',
        'message.channels',
        'message.groups',
        'message.im',
      ],
    },
    interactivity: { is_enabled: true },
    socket_mode_enabled: true,
  },
};
