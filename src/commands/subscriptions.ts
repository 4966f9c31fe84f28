/** `/signalbox subscribe`, `unsubscribe`, `subscriptions` and `settings`: what a channel hears of, and when. */
import { randomUUID } from 'node:crypto';
import {
  SETTINGS,
  SETTINGS_FIELDS,
  settingsForm,
  subscriptionsMessage,
  subscriptionWords,
} from '../blocks/subscriptions.ts';
import { code } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { parseCron } from '../domain/cron.ts';
import { parseTimeOfDay } from '../domain/local-time.ts';
import { checkQuietHours, type QuietHours, requireTimeZone } from '../domain/quiet-hours.ts';
import {
  type ChannelSettings,
  parseSubscription,
  type Subscription,
  type SubscriptionWish,
  sameWish,
} from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../errors.ts';
import type { ClickedAction, Command, Context, SubmittedView, ViewAnswer } from './command.ts';
import { metadataFor, permitted, readMetadata } from './job-access.ts';
import { explain, type Services } from './services.ts';

const REFUSED = 'subscription.refused';
const MANAGE = { permission: 'subscriptions:manage', action: REFUSED } as const;

export async function subscribe(services: Services, context: Context, text: string): Promise<void> {
  const channel = channelOf(context);
  const ids = services.useCases.map(({ id }) => id);
  const wish = parseSubscription(text, ids);
  const useCase = await permitted(services, context, wish.useCase, MANAGE);
  if (!useCase) return;
  const { subscription, isNew } = await add(services, context, channel, wish);
  const said = isNew ? 'This channel now hears of' : 'This channel heard of it already:';
  await context.reply.publicly({ text: `${said} ${subscriptionWords(subscription)}` });
}

/** `<use case>` ends all of it there; with the words of a subscription, that one. */
export async function unsubscribe(services: Services, context: Context, text: string): Promise<void> {
  const channel = channelOf(context);
  const wish = parseSubscription(
    text,
    services.useCases.map(({ id }) => id),
  );
  const useCase = await permitted(services, context, wish.useCase, MANAGE);
  if (!useCase) return;
  const here = await services.store.listSubscriptions({ useCase: useCase.id, channel });
  const whole = commandWords(text).length === 1;
  const gone = here.filter((one) => whole || sameWish(one, wish));
  if (gone.length === 0)
    throw new AppError('not_found', `This channel has no such subscription to ${useCase.name}.`, {
      hint: `See what there is with ${context.invocation} subscriptions.`,
    });
  for (const one of gone) await remove(services, context, one);
  await context.reply.publicly({
    text: `This channel no longer hears of ${gone.map(subscriptionWords).join('; ').slice(0, 2500)}`,
  });
}

export async function listSubscriptions(services: Services, context: Context): Promise<void> {
  const channel = channelOf(context);
  const readable = await permittedUseCases(
    context.actor.user,
    'jobs:read',
    services.useCases,
    services.directory,
  );
  const all = await services.store.listSubscriptions({ channel });
  // Of use cases that the person may not see, not even the patterns are shown.
  const visible = all.filter((one) => readable.some(({ id }) => id === one.useCase));
  await context.reply.privately(subscriptionsMessage(visible, await settingsOf(services, channel)));
}

export async function openSettings(services: Services, context: Context): Promise<void> {
  const channel = channelOf(context);
  const managed = await managedUseCases(services, context);
  if (managed.length === 0) return;
  await context.openModal(await drawSettings(services, context, channel, managed));
}

/** @returns none when the person was told why */
async function managedUseCases(services: Services, context: Context): Promise<readonly UseCase[]> {
  const { useCases, directory } = services;
  const managed = await permittedUseCases(context.actor.user, MANAGE.permission, useCases, directory);
  if (managed.length === 0) {
    const here =
      useCases.find(({ channels }) => channels.includes(context.place.channel ?? '')) ?? useCases[0];
    // Says who can grant it, and puts the refusal on record.
    if (here) await permitted(services, context, here.id, MANAGE);
  }
  return managed;
}

async function drawSettings(
  services: Services,
  context: Context,
  channel: string,
  managed: readonly UseCase[],
): Promise<ReturnType<typeof settingsForm>> {
  const all = await services.store.listSubscriptions({ channel });
  return settingsForm({
    channel,
    subscriptions: all.filter((one) => managed.some(({ id }) => id === one.useCase)),
    settings: await settingsOf(services, channel),
    useCases: managed,
    metadata: metadataFor(context, { settingsOf: channel }),
  });
}

export function subscriptionActions(services: Services): Pick<Command, 'actions' | 'views'> {
  async function removeClicked(context: Context, action: ClickedAction): Promise<void> {
    const found = (await services.store.listSubscriptions()).find(({ id }) => id === action.value);
    if (found) {
      if (!(await permitted(services, context, found.useCase, MANAGE))) return;
      await remove(services, context, found);
    }
    const managed = await managedUseCases(services, context);
    const channel = found?.channel ?? context.place.channel;
    if (channel !== undefined && managed.length > 0)
      await context.view?.update(await drawSettings(services, context, channel, managed));
  }

  async function save(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const channel = String(readMetadata(view.metadata).settingsOf ?? '');
    const errors: Record<string, string> = {};
    const read = <T>(field: string, parse: () => T): T | undefined => {
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
    read(SETTINGS_FIELDS.timeZone, () => requireTimeZone(timeZone));
    const weekends = (view.values[SETTINGS_FIELDS.weekends] ?? []).includes('yes');
    const quietHours =
      errors[SETTINGS_FIELDS.timeZone] === undefined
        ? read(SETTINGS_FIELDS.quiet, () => readQuiet(value(SETTINGS_FIELDS.quiet), timeZone, weekends))
        : undefined;
    const cron = read(SETTINGS_FIELDS.digest, () => readDigestTime(value(SETTINGS_FIELDS.digest)));
    const chosen = view.values[SETTINGS_FIELDS.digestUseCases] ?? [];
    if (cron !== undefined && chosen.length === 0)
      errors[SETTINGS_FIELDS.digestUseCases] = 'Choose at least one use case for the digest.';
    const wanted = value(SETTINGS_FIELDS.add);
    const wish =
      wanted === ''
        ? undefined
        : read(SETTINGS_FIELDS.add, () =>
            parseSubscription(
              wanted,
              services.useCases.map(({ id }) => id),
            ),
          );
    if (Object.keys(errors).length > 0) return { errors };

    return {
      after: async () => {
        const managed = await managedUseCases(services, context);
        const [first] = managed;
        if (!first) return;
        try {
          for (const id of chosen) if (!(await permitted(services, context, id, MANAGE))) return;
          if (wish) {
            if (!(await permitted(services, context, wish.useCase, MANAGE))) return;
            await add(services, context, channel, wish);
          }
          const at = services.clock.now();
          await services.store.putChannelSettings({
            channel,
            quietHours,
            digest: cron === undefined ? undefined : { cron, timeZone, useCases: chosen },
            changedBy: context.actor,
            changedAt: at,
          });
          await services.store.appendAudit({
            at,
            actor: context.actor,
            action: 'channel.settings_changed',
            subject: channel,
            detail: { quiet: quietHours ? `${quietHours.from}-${quietHours.to}` : '', digest: cron ?? '' },
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

async function add(
  services: Services,
  context: Context,
  channel: string,
  wish: SubscriptionWish,
): Promise<{ subscription: Subscription; isNew: boolean }> {
  const { store, clock } = services;
  const known = (await store.listSubscriptions({ channel })).find((one) => sameWish(one, wish));
  if (known) return { subscription: known, isNew: false };
  const at = clock.now();
  const subscription: Subscription = {
    ...wish,
    id: randomUUID(),
    channel,
    createdBy: context.actor,
    createdAt: at,
  };
  await store.putSubscription(subscription);
  await record(services, context, 'subscription.added', subscription);
  return { subscription, isNew: true };
}

async function remove(services: Services, context: Context, subscription: Subscription): Promise<void> {
  if (await services.store.removeSubscription(subscription.id))
    await record(services, context, 'subscription.removed', subscription);
}

async function record(
  { store, clock }: Services,
  { actor }: Context,
  action: string,
  { useCase, channel, kinds, nameGlob, failuresOnly }: Subscription,
): Promise<void> {
  await store.appendAudit({
    at: clock.now(),
    actor,
    action,
    useCase,
    subject: channel,
    detail: { kinds: kinds.join(',') || 'all', name: nameGlob ?? '*', failuresOnly },
  });
}

async function settingsOf({ store }: Services, channel: string): Promise<ChannelSettings | undefined> {
  return (await store.listChannelSettings()).find((one) => one.channel === channel);
}

function channelOf({ place, slash }: Context): string {
  if (place.channel !== undefined && !place.isDirect) return place.channel;
  throw new AppError('invalid_input', 'Subscriptions belong to a channel, and this is none.', {
    hint: `Type ${slash}signalbox in the channel that shall hear of things.`,
  });
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
