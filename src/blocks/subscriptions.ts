/** Subscriptions of a channel, and the window that shows and changes all that is set for it. */
import { type ChannelSettings, SUBSCRIPTION_KINDS, type Subscription } from '../domain/subscriptions.ts';
import { LIMITS } from './limits.ts';
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

export function subscriptionsMessage(
  subscriptions: readonly Subscription[],
  settings: ChannelSettings | undefined,
): Message {
  const shown = subscriptions.slice(0, SHOWN);
  const title =
    subscriptions.length === 0
      ? 'This channel is subscribed to nothing.'
      : `This channel hears of (${subscriptions.length}):`;
  return {
    text: title,
    blocks: [
      section([title, ...shown.map((one) => `• ${subscriptionWords(one)}`)].join('\n')),
      ...(subscriptions.length > shown.length
        ? [context(`… ${subscriptions.length - shown.length} more`)]
        : []),
      context(...settingsWords(settings)),
      ...actions(button('Settings…', SETTINGS.open)),
    ],
  };
}

function settingsWords(settings: ChannelSettings | undefined): string[] {
  const { quietHours: quiet, digest } = settings ?? {};
  return [
    quiet
      ? `Quiet from ${plain(quiet.from, 10)} to ${plain(quiet.to, 10)}${quiet.weekends ? ' and on weekends' : ''} (${plain(quiet.timeZone, 60)})`
      : 'No quiet hours',
    digest
      ? `Digest ${code(digest.cron, 60)} (${plain(digest.timeZone, 60)}): ${digest.useCases.map((id) => code(id)).join(', ')}`.slice(
          0,
          2000,
        )
      : 'No digest',
  ];
}

export interface SettingsFacts {
  channel: string;
  subscriptions: readonly Subscription[];
  settings: ChannelSettings | undefined;
  /** Those that may be subscribed to and be in the digest here. */
  useCases: readonly Named[];
  metadata: string;
}

export function settingsForm(facts: SettingsFacts): Modal {
  const { subscriptions, settings, useCases } = facts;
  const { quietHours: quiet, digest } = settings ?? {};
  const shown = subscriptions.slice(0, SHOWN);
  const choices = useCases.slice(0, LIMITS.options.select).map(({ id, name }) => option(name, id));
  const chosen = choices.filter(({ value }) => value !== undefined && digest?.useCases.includes(value));
  const weekends = option('Saturdays and Sundays are quiet all day', 'yes');
  return {
    type: 'modal',
    callback_id: SETTINGS.form,
    title: { type: 'plain_text', text: 'Signalbox here' },
    submit: { type: 'plain_text', text: 'Save' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: facts.metadata,
    blocks: [
      section(`What ${channelName(facts.channel)} hears of, and when.`),
      header('Subscriptions'),
      ...(shown.length === 0 ? [section('None yet.')] : shown.map(subscriptionBlock)),
      ...(subscriptions.length > shown.length
        ? [context(`… ${subscriptions.length - shown.length} more`)]
        : []),
      field(
        SETTINGS_FIELDS.add,
        'Subscribe to',
        undefined,
        `${useCases[0]?.id ?? 'line-3'} training compilation name:train-* failures-only`,
        'A use case, then kinds of events, name:pattern and failures-only as wanted.',
      ),
      header('Quiet hours'),
      field(
        SETTINGS_FIELDS.quiet,
        'From – to',
        quiet && `${quiet.from}-${quiet.to}`,
        '22:00-07:00',
        'Posts wait until they are over. Alerts reach who is on call all the same.',
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
      field(
        SETTINGS_FIELDS.timeZone,
        'Time zone',
        quiet?.timeZone ?? digest?.timeZone,
        'Europe/Berlin',
        'Of the quiet hours and the digest. Left empty: UTC.',
      ),
      header('Digest'),
      field(
        SETTINGS_FIELDS.digest,
        'When',
        digest?.cron,
        '09:00, or 0 9 * * 1-5',
        'A time of day, or five fields as cron has them. Left empty: no digest.',
      ),
      ...(choices.length > 0
        ? [
            {
              type: 'input' as const,
              optional: true,
              block_id: SETTINGS_FIELDS.digestUseCases,
              label: { type: 'plain_text' as const, text: 'Use cases in it' },
              element: {
                type: 'multi_static_select' as const,
                action_id: SETTINGS_FIELDS.digestUseCases,
                options: choices,
                ...(chosen.length > 0 ? { initial_options: chosen } : {}),
              },
            },
          ]
        : []),
    ],
  };
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
