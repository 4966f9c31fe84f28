/** Who acts when nobody clicked: polling, compiling and packaging by themselves. */
import type { Actor } from '../ground/actor.ts';

/** Cannot be a Slack user id: those are upper case. */
const BACKGROUND_USER = 'signalbox';

/**
 * The bot itself. One actor for each team, so that one role session of each operation serves every background
 * call of an hour, and CloudTrail tells them apart from what people did: `comp-signalbox.T0TEAM-…`.
 */
export function backgroundActor(team: string): Actor {
  return { team, user: BACKGROUND_USER };
}

export function isBackgroundActor(actor: Actor): boolean {
  return actor.user === BACKGROUND_USER;
}
