/** `/signalbox subscribe`, `unsubscribe` and `subscriptions`: what a channel is told about. */
import { randomUUID } from 'node:crypto';
import { subscriptionsMessage, subscriptionWords } from '../blocks/subscriptions.ts';
import { permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import {
  type ChannelSettings,
  parseSubscription,
  type Subscription,
  type SubscriptionWish,
  sameWish,
} from '../domain/subscriptions.ts';
import { AppError } from '../ground/errors.ts';
import type { Context } from './context.ts';
import { permitted } from './job-access.ts';
import { knownUseCases, refuse } from './refusals.ts';
import type { Services } from './services.ts';

const REFUSED = 'subscription.refused';
export const MANAGE = { permission: 'subscriptions:manage', action: REFUSED } as const;

export async function subscribe(services: Services, context: Context, text: string): Promise<void> {
  const channel = channelOf(context);
  const wish = await wishOf(services, context, text);
  if (!wish) return;
  const useCase = await permitted(services, context, wish.useCase, MANAGE);
  if (!useCase) return;
  const { subscription, isNew } = await add(services, context, channel, wish);
  const said = isNew ? 'This channel is now subscribed to' : 'This channel was already subscribed to';
  await context.reply.publicly({ text: `${said} ${subscriptionWords(subscription)}` });
}

/** `<use case>` ends all of it there; with the words of a subscription, that one. */
export async function unsubscribe(services: Services, context: Context, text: string): Promise<void> {
  const channel = channelOf(context);
  const wish = await wishOf(services, context, text);
  if (!wish) return;
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
    text: `This channel is no longer subscribed to ${gone.map(subscriptionWords).join('; ').slice(0, 2500)}`,
  });
}

/**
 * Of the use cases that the person may know of here.
 * @returns undefined if there are none, which the person was told
 */
async function wishOf(
  services: Services,
  context: Context,
  text: string,
): Promise<SubscriptionWish | undefined> {
  const known = await knownUseCases(services, context);
  if (known.length > 0)
    return parseSubscription(
      text,
      known.map(({ id }) => id),
    );
  await refuse(services, context, { ...MANAGE, useCase: undefined });
  return undefined;
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
  // For use cases that the person may not see, not even the patterns are shown.
  const visible = all.filter((one) => readable.some(({ id }) => id === one.useCase));
  await context.reply.privately(
    subscriptionsMessage(visible, await settingsOf(services, channel), {
      subscriptions: all.length - visible.length,
      readable: readable.map(({ id }) => id),
    }),
  );
}

export async function add(
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

export async function remove(
  services: Services,
  context: Context,
  subscription: Subscription,
): Promise<void> {
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

export async function settingsOf({ store }: Services, channel: string): Promise<ChannelSettings | undefined> {
  return (await store.listChannelSettings()).find((one) => one.channel === channel);
}

export function channelOf({ place, slash }: Context): string {
  if (place.channel !== undefined && !place.isDirect) return place.channel;
  throw new AppError('invalid_input', 'Subscriptions belong to a channel, and this is not one.', {
    hint: `Type ${slash}signalbox in the channel where you want the messages.`,
  });
}
