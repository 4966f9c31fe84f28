/**
 * How often each of Slack's methods may be called in a minute, by workspace and app
 * (https://docs.slack.dev/apis/web-api/rate-limits). Instances that share a database are one bot in one workspace, and
 * take of one budget for each method (ports/budgets.ts).
 *
 * `chat.update` has an order of importance (edit-budget.ts), and `chat.postMessage` is counted by channel
 * (post-budget.ts). `auth.test` and `apps.connections.open` are called once or twice at an instance's start.
 */
import type { Window } from '../ports/budgets.ts';

/** Calls a minute, by Slack's tiers. */
const [TIER_2, TIER_3, TIER_4] = [20, 50, 100];

export const PER_MINUTE = {
  'chat.delete': TIER_3,
  'chat.postEphemeral': TIER_4,
  'conversations.history': TIER_3,
  'conversations.info': TIER_3,
  'conversations.members': TIER_4,
  'conversations.replies': TIER_3,
  'files.completeUploadExternal': TIER_4,
  'files.getUploadURLExternal': TIER_4,
  'files.info': TIER_4,
  'usergroups.users.list': TIER_2,
  'views.open': TIER_4,
  'views.publish': TIER_4,
  'views.push': TIER_4,
  'views.update': TIER_4,
} as const;
export type CountedMethod = keyof typeof PER_MINUTE;

/** Milliseconds more than a minute: calls take different times to arrive. One call is spare for the same reason. */
const SPREAD = 1_000;

export const isCounted = (method: string): method is CountedMethod => Object.hasOwn(PER_MINUTE, method);

/** @param factor times what Slack allows, for a Slack that allows more */
export const windowOf = (method: CountedMethod, factor = 1): Window => ({
  most: Math.floor(PER_MINUTE[method] * factor) - 1,
  within: 60_000 + SPREAD,
});

/** Of the budget of a method. */
export const budgetOf = (method: CountedMethod): string => `slack/${method}`;
