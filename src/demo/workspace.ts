/** The people and places of the seeded workspace. Who is a member of what decides what the visitor may see. */
import type { SandboxChannel, SandboxUser, SlackWorld } from '#sandbox';

const TEAM = { id: 'T0SANDBOX', name: 'Foundry Robotics' } as const;
/** The bot in it; its user is added by the sandbox, with the manifest's names. */
export const BOT = { user: 'U0SIGNALBOX', bot: 'B0SIGNALBOX', id: 'A0SIGNALBOX' } as const;

const user = (id: string, name: string, real_name: string, title: string, color: string): SandboxUser => ({
  id,
  name,
  real_name,
  title,
  color,
  is_bot: false,
});

const USERS = [
  user('U0ADA', 'ada', 'Ada Okafor', 'Data scientist, line 3', '#4a6fa5'),
  user('U0BEN', 'ben', 'Ben Lindqvist', 'Operator on call', '#2f855a'),
  user('U0CHLOE', 'chloe', 'Chloé Martin', 'Quality engineer (viewer)', '#96610f'),
  user('U0DEV', 'devika', 'Devika Rao', 'ML lead', '#9f3a5b'),
  user('U0EVE', 'eve', 'Eve Novak', 'Contractor, no use case', '#5f6b7a'),
];

const USER_GROUPS = [
  { id: 'S0SCIENCE', handle: 'science', name: 'Data science', users: ['U0ADA'] },
  { id: 'S0OPS', handle: 'ops', name: 'Operations', users: ['U0BEN'] },
  { id: 'S0ONCALL', handle: 'oncall', name: 'On call', users: ['U0BEN'] },
];

const channel = (
  id: string,
  name: string,
  topic: string,
  members: string[],
  is_private = false,
): SandboxChannel => ({
  id,
  name,
  topic,
  is_private,
  is_im: false,
  is_archived: false,
  members,
});

const CHANNELS = [
  channel('C0GENERAL', 'general', 'Everybody', ['U0ADA', 'U0BEN', 'U0CHLOE', 'U0DEV', 'U0EVE', BOT.user]),
  channel('C0LINE3', 'line-3', 'Surface defects on line 3', ['U0ADA', 'U0BEN', 'U0CHLOE', 'U0DEV', BOT.user]),
  channel('C0HARBOR', 'harbor', 'Ship and crane detection', ['U0BEN', 'U0DEV', BOT.user]),
  channel('C0ALERTS', 'ml-alerts', 'Failures that somebody must look at', [
    'U0ADA',
    'U0BEN',
    'U0DEV',
    BOT.user,
  ]),
  // The bot is not in here: what `not_in_channel` looks like can be tried.
  channel('C0RANDOM', 'random', 'Non-work banter', ['U0ADA', 'U0BEN', 'U0CHLOE', 'U0DEV', 'U0EVE']),
];

export const DEMO_WORKSPACE: SlackWorld = {
  team: TEAM,
  app: BOT,
  users: USERS,
  channels: CHANNELS,
  userGroups: USER_GROUPS,
};
