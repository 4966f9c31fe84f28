/** Every kind of record by its name in the embedded store. */
import type { EmbeddedKind } from '../embedded-records.ts';
import { ALERTS, MUTES } from './alerts.ts';
import { TAILS, TIMERS, UNFINISHED } from './background.ts';
import { ATTEMPTS } from './compilations.ts';
import { COMPONENTS } from './components.ts';
import { EVENTS } from './events.ts';
import { JOBS, REFUSALS } from './jobs.ts';
import { DEAD_CHANNELS, POSTS } from './outbox.ts';
import type { Kind } from './records.ts';
import { CHANNELS, SUBSCRIPTIONS } from './subscriptions.ts';
import { LINKS, SECRETS } from './viewer.ts';

// biome-ignore lint/suspicious/noExplicitAny: each takes its own records.
export const KINDS: Readonly<Record<EmbeddedKind, Kind<any>>> = {
  job: JOBS,
  attempt: ATTEMPTS,
  component: COMPONENTS,
  event: EVENTS,
  post: POSTS,
  dead: DEAD_CHANNELS,
  alert: ALERTS,
  mute: MUTES,
  subscription: SUBSCRIPTIONS,
  channel: CHANNELS,
  timer: TIMERS,
  tail: TAILS,
  unfinished: UNFINISHED,
  refusal: REFUSALS,
  secret: SECRETS,
  link: LINKS,
};
