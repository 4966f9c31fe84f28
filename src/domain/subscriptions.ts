/** What a channel wants to hear about in a use case, and the hours in which it wants quiet. */

import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { cite, commandWords } from './command-words.ts';
import { pastedName } from './job-names.ts';
import { GLOB_LIMIT, globMatches } from './name-glob.ts';
import { nearestNames } from './nearest-names.ts';
import { isQuiet, type QuietHours, quietEnd } from './quiet-hours.ts';

/** What can be subscribed to, with words for it. */
export const SUBSCRIPTION_KINDS = {
  training: 'training and other jobs',
  compilation: 'compilations',
  component: 'components',
  deployment: 'deployments and devices',
  model: 'model packages',
  endpoint: 'endpoint deployments',
  alarm: 'CloudWatch alarms',
  stuck: 'runs that print nothing any more',
} as const;
export type SubscriptionKind = keyof typeof SUBSCRIPTION_KINDS;

export type Outcome = 'started' | 'milestone' | 'succeeded' | 'failed' | 'stopped' | 'warning';

export interface Subscription {
  id: string;
  useCase: string;
  channel: string;
  /** Empty: all. */
  kinds: readonly SubscriptionKind[];
  /** Left out: every name. */
  nameGlob?: string | undefined;
  failuresOnly: boolean;
  createdBy: Actor;
  createdAt: EpochMs;
}

/** A channel's settings, whatever it is subscribed to. */
export interface ChannelSettings {
  channel: string;
  quietHours?: QuietHours | undefined;
  digest?: DigestSettings | undefined;
  changedBy: Actor;
  changedAt: EpochMs;
}

export interface DigestSettings {
  /** Five fields, as cron has them: `0 9 * * 1-5`. */
  cron: string;
  /** IANA name. */
  timeZone: string;
  /** Ids. */
  useCases: readonly string[];
}

/** Something that a channel may want to hear of. */
export interface SubscriptionEvent {
  useCase: string;
  kind: SubscriptionKind;
  outcome: Outcome;
  /** Name of the job, component, device or alarm, which patterns are matched against. */
  name: string;
}

export interface Recipient {
  channel: string;
  /** When it may be posted there: now, or the end of the quiet hours. */
  notBefore: EpochMs;
  quiet: boolean;
}

export function matchesSubscription(subscription: Subscription, event: SubscriptionEvent): boolean {
  const { useCase, kinds, nameGlob, failuresOnly } = subscription;
  return (
    useCase === event.useCase &&
    (kinds.length === 0 || kinds.includes(event.kind)) &&
    (nameGlob === undefined || globMatches(nameGlob, event.name)) &&
    (!failuresOnly || event.outcome === 'failed' || event.outcome === 'warning')
  );
}

/** Each channel once, however many of its subscriptions fit. */
export function recipients(
  subscriptions: readonly Subscription[],
  settings: readonly ChannelSettings[],
  event: SubscriptionEvent,
  at: EpochMs,
): Recipient[] {
  const channels = subscriptions
    .filter((subscription) => matchesSubscription(subscription, event))
    .map(({ channel }) => channel);
  return [...new Set(channels)].map((channel) => {
    const hours = settings.find((one) => one.channel === channel)?.quietHours;
    return { channel, quiet: isQuiet(hours, at), notBefore: quietEnd(hours, at) };
  });
}

export interface SubscriptionWish {
  useCase: string;
  kinds: readonly SubscriptionKind[];
  nameGlob?: string | undefined;
  failuresOnly: boolean;
}

const KINDS = Object.keys(SUBSCRIPTION_KINDS) as SubscriptionKind[];
/** Words that people use for a kind. */
const ALIASES: Readonly<Record<string, SubscriptionKind>> = {
  train: 'training',
  trainings: 'training',
  job: 'training',
  jobs: 'training',
  compile: 'compilation',
  compilations: 'compilation',
  components: 'component',
  deployments: 'deployment',
  devices: 'deployment',
  models: 'model',
  'model-package': 'model',
  'model-packages': 'model',
  endpoints: 'endpoint',
  'endpoint-deployment': 'endpoint',
  'endpoint-deployments': 'endpoint',
  alarms: 'alarm',
};

/**
 * `<use case> [events] [name:glob] [failures-only]`, the words behind the first in any order; events apart or
 * with commas between them.
 * @throws AppError invalid_input naming the word that is not understood and what is close to it
 */
export function parseSubscription(text: string, useCases: readonly string[]): SubscriptionWish {
  const [first, ...rest] = commandWords(text);
  const usage = 'Usage: subscribe <use case> [events] [name:glob] [failures-only].';
  if (first === undefined)
    throw new AppError('invalid_input', 'Name the use case to subscribe to.', {
      hint: `${usage} Use cases: ${useCases.join(', ')}.`,
    });
  const useCase = useCases.find((id) => id.toLowerCase() === first.toLowerCase());
  if (useCase === undefined)
    throw new AppError('invalid_input', `There is no use case ${cite(first)}.`, {
      hint: `${didYouMean(first, useCases)}Use cases: ${useCases.join(', ')}.`,
    });
  const kinds = new Set<SubscriptionKind>();
  let nameGlob: string | undefined;
  let failuresOnly = false;
  for (const word of rest) {
    const plain = word.toLowerCase().replace(/^--/, '');
    if (plain === 'failures-only') failuresOnly = true;
    else if (/^name[:=]/i.test(plain)) nameGlob = checkGlob(pastedName(word.replace(/^(--)?name[:=]/i, '')));
    else
      for (const part of plain.split(',').filter((one) => one !== '')) {
        if (part === 'all') continue;
        const kind =
          KINDS.find((known) => known === part) ?? (Object.hasOwn(ALIASES, part) ? ALIASES[part] : undefined);
        if (!kind)
          throw new AppError('invalid_input', `${cite(part)} is no kind of event.`, {
            hint: `${didYouMean(part, [...KINDS, 'failures-only'])}Events: ${KINDS.join(', ')}. ${usage}`,
          });
        kinds.add(kind);
      }
  }
  return { useCase, kinds: KINDS.filter((kind) => kinds.has(kind)), nameGlob, failuresOnly };
}

function checkGlob(glob: string): string {
  if (glob !== '' && glob.length <= GLOB_LIMIT && !/[\s<>]/.test(glob)) return glob;
  throw new AppError('invalid_input', `${cite(glob)} is no pattern for names.`, {
    hint: `Give 1 to ${GLOB_LIMIT} characters of a name, with * for any characters and ? for one: name:train-resnet-*.`,
  });
}

function didYouMean(word: string, known: readonly string[]): string {
  const [near] = nearestNames(word, known, 1);
  return near === undefined ? '' : `Did you mean ${near}? `;
}

/** Whether two wishes of one channel are the same: subscribing again changes nothing. */
export function sameWish(a: SubscriptionWish, b: SubscriptionWish): boolean {
  const text = ({ useCase, kinds, nameGlob, failuresOnly }: SubscriptionWish): string =>
    JSON.stringify([useCase, [...kinds].sort(), nameGlob?.toLowerCase() ?? null, failuresOnly]);
  return text(a) === text(b);
}
