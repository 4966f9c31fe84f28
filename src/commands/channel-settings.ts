/** The window of `/signalbox settings`: the subscriptions, quiet hours and digest that the person may manage. */
import { SETTINGS, SETTINGS_FIELDS, settingsForm } from '../blocks/subscriptions.ts';
import { code, mention, moment } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import {
  type ChannelRights,
  changedMeanwhile,
  channelRights,
  type SettingsWish,
  settingsVersion,
  withWish,
} from '../domain/channel-rights.ts';
import { parseCron } from '../domain/cron.ts';
import { parseTimeOfDay } from '../domain/local-time.ts';
import { checkQuietHours, type QuietHours, requireTimeZone } from '../domain/quiet-hours.ts';
import {
  type ChannelSettings,
  parseSubscription,
  type Subscription,
  type SubscriptionWish,
} from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context } from './context.ts';
import { canOpenModal } from './in-view.ts';
import { metadataFor, permitted, readMetadata } from './job-access.ts';
import { knownUseCases, refuse } from './refusals.ts';
import { explain, type Services } from './services.ts';
import { add, channelOf, listSubscriptions, MANAGE, remove, settingsOf } from './subscriptions.ts';

export async function openSettings(services: Services, context: Context): Promise<void> {
  const channel = channelOf(context);
  const managed = await managedUseCases(services, context);
  if (managed.length === 0) return;
  if (context.place.claimed) await channelOfWindow(services, context);
  // The list has a button that opens it.
  if (!canOpenModal(context)) return listSubscriptions(services, context);
  await context.openModal(drawSettings(context, await read(services, channel, managed)));
}

/** @returns none if the person may manage none; they were told why */
async function managedUseCases(services: Services, context: Context): Promise<readonly UseCase[]> {
  const { useCases, directory } = services;
  const managed = await permittedUseCases(context.actor.user, MANAGE.permission, useCases, directory);
  if (managed.length === 0) {
    const [known] = await knownUseCases(services, context);
    const here = useCases.find(({ channels }) => channels.includes(context.place.channel ?? ''));
    // Says who can grant it, and records the refusal.
    await refuse(services, context, { ...MANAGE, useCase: here ?? known });
  }
  return managed;
}

/** A channel as it is now, and which parts of it the person may change. */
interface Picture {
  channel: string;
  settings: ChannelSettings | undefined;
  subscriptions: readonly Subscription[];
  managed: readonly UseCase[];
  rights: ChannelRights;
}

async function read(services: Services, channel: string, managed: readonly UseCase[]): Promise<Picture> {
  const [subscriptions, settings] = await Promise.all([
    services.store.listSubscriptions({ channel }),
    settingsOf(services, channel),
  ]);
  const rights = channelRights(channel, { settings, subscriptions }, services.useCases, managed);
  return { channel, settings, subscriptions, managed, rights };
}

function drawSettings(
  context: Context,
  { channel, settings, subscriptions, managed, rights }: Picture,
  notice?: string,
): ReturnType<typeof settingsForm> {
  const own = subscriptions.filter((one) => rights.managed.includes(one.useCase));
  return settingsForm({
    channel,
    subscriptions: own,
    others: subscriptions.length - own.length,
    settings,
    useCases: managed,
    rights,
    notice,
    metadata: metadataFor(context, { settingsOf: channel, version: settingsVersion(settings) }),
  });
}

/**
 * The channel of a window; the one in its metadata must be a place where the person is.
 * @throws AppError invalid_input
 */
async function channelOfWindow({ directory }: Services, { actor, place }: Context): Promise<string> {
  const { channel } = place;
  if (channel !== undefined && !place.isDirect && (await directory.isInChannel(actor.user, channel)))
    return channel;
  throw new AppError('invalid_input', 'This window is of a channel that you are not in.', {
    hint: 'Join the channel, and open its settings there.',
  });
}

export function settingsActions(services: Services): Pick<Command, 'actions' | 'views'> {
  async function removeClicked(context: Context, action: ClickedAction): Promise<void> {
    const managed = await managedUseCases(services, context);
    if (managed.length === 0) return;
    const channel = await channelOfWindow(services, context);
    const { subscriptions, rights } = await read(services, channel, managed);
    const found = subscriptions.find(
      ({ id, useCase }) => id === action.value && rights.managed.includes(useCase),
    );
    if (found) await remove(services, context, found);
    await context.view?.update(drawSettings(context, await read(services, channel, managed)));
  }

  async function save(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const managed = await managedUseCases(services, context);
    const [first] = managed;
    if (!first) return { after: async () => {} };
    const channel = await channelOfWindow(services, context);
    const picture = await read(services, channel, managed);
    const { version } = readMetadata(view.metadata);
    const { rights, settings } = picture;
    // Before anything else: what somebody wrote was meant for what they saw.
    if (version !== settingsVersion(settings))
      return {
        update: drawSettings(context, picture, noticeOf(settings, view)),
        after: async () => {},
      };
    const { wish, subscription, errors } = readForm(view, rights, services.useCases, managed);
    if (Object.keys(errors).length > 0) return { errors };

    return {
      after: async () => {
        try {
          const at = services.clock.now();
          const by = context.actor;
          if (subscription && !(await permitted(services, context, subscription.useCase, MANAGE))) return;
          const saved = await services.store.changeChannelSettings(channel, (before) => {
            // Another change may have come in between.
            if (settingsVersion(before) !== version) throw changedMeanwhile();
            const after = withWish(channel, before, wish, rights, { by, at });
            return settingsVersion(after) === version ? before : after;
          });
          if (subscription) await add(services, context, channel, subscription);
          const { quietHours, digest } = saved ?? {};
          await services.store.appendAudit({
            at,
            actor: by,
            action: 'channel.settings_changed',
            subject: channel,
            detail: {
              quiet: quietHours ? `${quietHours.from}-${quietHours.to}` : '',
              digest: digest?.cron ?? '',
            },
          });
          await context.reply.privately({ text: 'Saved.' });
        } catch (thrown) {
          await explain(services, context, first, toAppError(thrown));
        }
      },
    };
  }

  return {
    actions: {
      [SETTINGS.open]: (context) => openSettings(services, context),
      [SETTINGS.remove]: removeClicked,
    },
    views: { [SETTINGS.form]: save },
  };
}

/** Who changed it and when, and what was entered here, so that the person need not think of it again. */
function noticeOf(settings: ChannelSettings | undefined, view: SubmittedView): string {
  const who = settings ? `${mention(settings.changedBy.user)} has changed` : 'Somebody has changed';
  const when = settings ? `, ${moment(settings.changedAt)}` : '';
  const written = [SETTINGS_FIELDS.quiet, SETTINGS_FIELDS.digest, SETTINGS_FIELDS.add]
    .flatMap((field) => view.values[field]?.[0]?.trim() || [])
    .map((value) => code(value, 200));
  return [
    `:warning: *Nothing was saved.* ${who} these settings while your window was open${when}. They are shown below as they are now.`,
    ...(written.length > 0 ? [`You had entered: ${written.join(' · ')}`] : []),
  ].join('\n');
}

/** What the fields say. Fields that the person was not shown are ignored, whatever they contain. */
function readForm(
  view: SubmittedView,
  rights: ChannelRights,
  useCases: readonly UseCase[],
  managed: readonly UseCase[],
): { wish: SettingsWish; subscription: SubscriptionWish | undefined; errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const attempt = <T>(field: string, parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      const { message, hint } = toAppError(error);
      errors[field] = `${message} ${hint ?? ''}`.trim().slice(0, 1000);
      return undefined;
    }
  };
  const value = (field: string): string => view.values[field]?.[0]?.trim() ?? '';
  const timeZone = value(SETTINGS_FIELDS.timeZone) || 'UTC';
  if (rights.quietHours || rights.digestTime)
    attempt(SETTINGS_FIELDS.timeZone, () => requireTimeZone(timeZone));
  const weekends = (view.values[SETTINGS_FIELDS.weekends] ?? []).includes('yes');
  const quietHours =
    rights.quietHours && errors[SETTINGS_FIELDS.timeZone] === undefined
      ? attempt(SETTINGS_FIELDS.quiet, () => readQuiet(value(SETTINGS_FIELDS.quiet), timeZone, weekends))
      : undefined;
  const cron = rights.digestTime
    ? attempt(SETTINGS_FIELDS.digest, () => readDigestTime(value(SETTINGS_FIELDS.digest)))
    : undefined;
  const digestUseCases = (view.values[SETTINGS_FIELDS.digestUseCases] ?? []).filter((id) =>
    useCases.some((useCase) => useCase.id === id),
  );
  if (cron !== undefined && digestUseCases.length === 0)
    errors[SETTINGS_FIELDS.digestUseCases] = 'Choose at least one use case for the digest.';
  const wanted = value(SETTINGS_FIELDS.add);
  const subscription =
    wanted === ''
      ? undefined
      : attempt(SETTINGS_FIELDS.add, () =>
          parseSubscription(
            wanted,
            managed.map(({ id }) => id),
          ),
        );
  const digest = cron === undefined ? undefined : { cron, timeZone };
  return { wish: { quietHours, digest, digestUseCases }, subscription, errors };
}

/** `22:00-07:00`. @throws AppError invalid_input */
function readQuiet(text: string, timeZone: string, weekends: boolean): QuietHours | undefined {
  if (text === '') {
    if (!weekends) return undefined;
    throw new AppError('invalid_input', 'Quiet weekends need quiet hours beside them.', {
      hint: 'Give those of the other days too: 22:00-07:00.',
    });
  }
  const [from, to, ...rest] = text.split(/\s*(?:-|–|to)\s*/);
  if (from === undefined || to === undefined || rest.length > 0)
    throw new AppError('invalid_input', `${code(text)} are no quiet hours.`, {
      hint: 'Give two times of day: 22:00-07:00.',
    });
  return checkQuietHours({ from, to, timeZone, ...(weekends ? { weekends } : {}) });
}

/** `09:00`, or five fields. @throws AppError invalid_input */
function readDigestTime(text: string): string | undefined {
  if (text === '') return undefined;
  const minute = parseTimeOfDay(text);
  if (minute !== undefined) return `${minute % 60} ${Math.floor(minute / 60)} * * *`;
  parseCron(text);
  return text.trim().replace(/\s+/g, ' ');
}
