/** Subscriptions of a channel, and the window that shows and changes all that is set for it. */

import { LIMITS } from '#sandbox/block-kit';
import type { ChannelRights } from '../domain/channel-rights.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';
import {
  type ChannelSettings,
  type DigestSettings,
  SUBSCRIPTION_KINDS,
  type Subscription,
} from '../domain/subscriptions.ts';
import type { Block, Message, Modal } from './message.ts';
import { actions, button, code, context, header, label, option, plain, section } from './text.ts';

export const SETTINGS = {
  open: 'settings.open',
  remove: 'settings.remove',
  form: 'settings.form',
} as const;

/** Block ids of the form. */
export const SETTINGS_FIELDS = {
  add: 'add',
  quiet: 'quiet',
  weekends: 'weekends',
  timeZone: 'time_zone',
  digest: 'digest',
  digestUseCases: 'digest_use_cases',
} as const;

interface Named {
  id: string;
  name: string;
}

const SHOWN = 30;

export function subscriptionWords(subscription: Subscription): string {
  const { useCase, kinds, nameGlob, failuresOnly } = subscription;
  return [
    code(useCase),
    kinds.length === 0 ? 'everything' : kinds.map((kind) => SUBSCRIPTION_KINDS[kind]).join(', '),
    ...(nameGlob === undefined ? [] : [`names like ${code(nameGlob)}`]),
    ...(failuresOnly ? ['failures only'] : []),
  ].join(' · ');
}

/**
 * @param hidden of other use cases, which the person may not see: how many subscriptions, and which ids may be named
 *   in the digest. Left out: nothing is hidden
 */
export function subscriptionsMessage(
  subscriptions: readonly Subscription[],
  settings: ChannelSettings | undefined,
  hidden: { subscriptions: number; readable: readonly string[] } = {
    subscriptions: 0,
    readable: settings?.digest?.useCases ?? [],
  },
): Message {
  const shown = subscriptions.slice(0, SHOWN);
  const title =
    subscriptions.length > 0
      ? `Posted in this channel (${subscriptions.length}):`
      : hidden.subscriptions > 0
        ? 'This channel has no subscriptions of yours.'
        : 'This channel has no subscriptions.';
  return {
    text: title,
    blocks: [
      section([title, ...shown.map((one) => `• ${subscriptionWords(one)}`)].join('\n')),
      ...(subscriptions.length > shown.length
        ? [context(`… ${subscriptions.length - shown.length} more`)]
        : []),
      ...(hidden.subscriptions > 0 ? [context(othersWords(hidden.subscriptions))] : []),
      context(...settingsWords(settings, hidden.readable)),
      ...actions(button('Settings…', SETTINGS.open)),
    ],
  };
}

const othersWords = (count: number): string =>
  count === 1
    ? '1 more subscription is of a use case that is not yours.'
    : `${count} more subscriptions are of use cases that are not yours.`;

function settingsWords(settings: ChannelSettings | undefined, readable: readonly string[]): string[] {
  const { quietHours, digest } = settings ?? {};
  return [quietWords(quietHours) ?? 'No quiet hours', digest ? digestWords(digest, readable) : 'No digest'];
}

function quietWords(quiet: QuietHours | undefined): string | undefined {
  if (!quiet) return undefined;
  return `Quiet from ${plain(quiet.from, 10)} to ${plain(quiet.to, 10)}${quiet.weekends ? ' and on weekends' : ''} (${plain(quiet.timeZone, 60)})`;
}

/** @param readable ids that may be named; the others are counted */
function digestWords({ cron, timeZone, useCases }: DigestSettings, readable: readonly string[]): string {
  const named = useCases.filter((id) => readable.includes(id)).map((id) => code(id));
  const others = useCases.length - named.length;
  const list = [...named, ...(others > 0 ? [`${others} other${others === 1 ? '' : 's'}`] : [])].join(', ');
  return `Digest ${code(cron, 60)} (${plain(timeZone, 60)}): ${list}`.slice(0, 2000);
}

export interface SettingsFacts {
  channel: string;
  /** Those that the person may take back. */
  subscriptions: readonly Subscription[];
  /** How many there are besides. Left out: none. */
  others?: number | undefined;
  settings: ChannelSettings | undefined;
  /** Those that may be subscribed to and be in the digest here. */
  useCases: readonly Named[];
  /** Left out: everything may be changed. */
  rights?: Pick<ChannelRights, 'quietHours' | 'digestTime' | 'othersInDigest'> | undefined;
  /** What to know first: that somebody else has changed it meanwhile. */
  notice?: string | undefined;
  metadata: string;
}

export function settingsForm(facts: SettingsFacts): Modal {
  const { subscriptions, settings, useCases, others = 0 } = facts;
  const rights = facts.rights ?? { quietHours: true, digestTime: true, othersInDigest: [] };
  const { quietHours: quiet, digest } = settings ?? {};
  const shown = subscriptions.slice(0, SHOWN);
  return {
    type: 'modal',
    callback_id: SETTINGS.form,
    title: { type: 'plain_text', text: 'Signalbox here' },
    submit: { type: 'plain_text', text: 'Save' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: facts.metadata,
    blocks: [
      ...(facts.notice === undefined ? [] : [section(facts.notice)]),
      section(`What is posted in ${channelName(facts.channel)}, and when.`),
      header('Subscriptions'),
      ...(shown.length === 0
        ? [section(others > 0 ? 'None of yours yet.' : 'None yet.')]
        : shown.map(subscriptionBlock)),
      ...(subscriptions.length > shown.length
        ? [context(`… ${subscriptions.length - shown.length} more`)]
        : []),
      ...(others > 0 ? [context(othersWords(others))] : []),
      field(
        SETTINGS_FIELDS.add,
        'Subscribe to',
        undefined,
        `${useCases[0]?.id ?? 'line-3'} training compilation name:train-* failures-only`,
        'A use case; then, if you like, event types, name:pattern and failures-only.',
      ),
      header('Quiet hours'),
      ...(rights.quietHours
        ? quietFields(quiet)
        : [
            section(quietWords(quiet) ?? 'None.'),
            context(
              'They apply to everything that is posted here. Only admins of the channel’s own use cases can change them.',
            ),
          ]),
      ...(rights.quietHours || rights.digestTime ? zoneField(rights, quiet, digest) : []),
      header('Digest'),
      ...(rights.digestTime
        ? [
            field(
              SETTINGS_FIELDS.digest,
              'When',
              digest?.cron,
              '09:00, or 0 9 * * 1-5',
              'A time of day, or a five-field cron expression. Empty: no digest.',
            ),
          ]
        : [
            section(digest ? `${code(digest.cron, 60)} (${plain(digest.timeZone, 60)})` : 'None.'),
            context(
              `It also covers ${rights.othersInDigest.length} use case${rights.othersInDigest.length === 1 ? '' : 's'} that you do not manage: you can add or remove your own, but not change the time.`,
            ),
          ]),
      ...digestUseCases(useCases, digest),
    ],
  };
}

function quietFields(quiet: QuietHours | undefined): Block[] {
  const weekends = option('Saturdays and Sundays are quiet all day', 'yes');
  return [
    field(
      SETTINGS_FIELDS.quiet,
      'From – to',
      quiet && `${quiet.from}-${quiet.to}`,
      '22:00-07:00',
      'Posts wait until quiet hours are over. Alerts are not held back.',
    ),
    {
      type: 'input',
      optional: true,
      block_id: SETTINGS_FIELDS.weekends,
      label: { type: 'plain_text', text: 'Weekends' },
      element: {
        type: 'checkboxes',
        action_id: SETTINGS_FIELDS.weekends,
        options: [weekends],
        ...(quiet?.weekends ? { initial_options: [weekends] } : {}),
      },
    },
  ];
}

/** One for both; of the one that may be changed where it is only one. */
function zoneField(
  rights: NonNullable<SettingsFacts['rights']>,
  quiet: QuietHours | undefined,
  digest: DigestSettings | undefined,
): Block[] {
  const zone = rights.quietHours ? quiet?.timeZone : undefined;
  const other = rights.digestTime ? digest?.timeZone : undefined;
  const of =
    rights.quietHours && rights.digestTime
      ? 'the quiet hours and the digest'
      : rights.quietHours
        ? 'the quiet hours'
        : 'the digest';
  return [
    field(SETTINGS_FIELDS.timeZone, 'Time zone', zone ?? other, 'Europe/Berlin', `For ${of}. Empty: UTC.`),
    ...(zone !== undefined && other !== undefined && zone !== other
      ? [context(`The digest is in ${plain(other, 60)} now: saving sets both to the time zone above.`)]
      : []),
  ];
}

function digestUseCases(useCases: readonly Named[], digest: DigestSettings | undefined): Block[] {
  const choices = useCases.slice(0, LIMITS.options.select).map(({ id, name }) => option(name, id));
  const chosen = choices.filter(({ value }) => value !== undefined && digest?.useCases.includes(value));
  if (choices.length === 0) return [];
  return [
    {
      type: 'input',
      optional: true,
      block_id: SETTINGS_FIELDS.digestUseCases,
      label: { type: 'plain_text', text: 'Use cases in it' },
      element: {
        type: 'multi_static_select',
        action_id: SETTINGS_FIELDS.digestUseCases,
        options: choices,
        ...(chosen.length > 0 ? { initial_options: chosen } : {}),
      },
    },
  ];
}

function subscriptionBlock(subscription: Subscription): Block {
  return section(
    subscriptionWords(subscription),
    button('Remove', SETTINGS.remove, subscription.id, 'danger'),
  );
}

function field(
  id: string,
  title: string,
  value: string | undefined,
  placeholder: string,
  hint: string,
): Block {
  return {
    type: 'input',
    optional: true,
    block_id: id,
    label: { type: 'plain_text', text: title },
    hint: { type: 'plain_text', text: hint },
    element: {
      type: 'plain_text_input',
      action_id: id,
      placeholder: { type: 'plain_text', text: label(placeholder, LIMITS.placeholder) },
      max_length: 500,
      ...(value === undefined || value === '' ? {} : { initial_value: label(value, 500) }),
    },
  };
}

const channelName = (channel: string): string =>
  /^[CG][A-Z0-9]+$/.test(channel) ? `<#${channel}>` : 'this channel';
