/**
 * Refusals: recorded, seen only by the person, and saying no more than the person may know. A use case is named in its
 * own channels and in those subscribed to it, to people with a role there, and to members of others if its settings
 * say so. Everybody else gets the same answer for what does not exist and for what is not theirs.
 */
import { errorMessage } from '../blocks/errors.ts';
import type { Message } from '../blocks/message.ts';
import { mayKnowOf, nothingOpen, type Permission, refusal, whoCanGrant } from '../domain/access.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { noUseCase } from '../operations/choose-use-case.ts';
import type { Context } from './context.ts';
import type { Services } from './services.ts';

export interface Refused {
  /** The one that was meant; undefined where there is none. */
  useCase: UseCase | undefined;
  permission: Permission;
  /** What it is recorded as: `compile.refused`. */
  action: string;
  /** The job or component that it is about. */
  subject?: string | undefined;
  /** The use case's id as somebody typed it, perhaps wrongly. */
  typed?: string | undefined;
}

interface Refusal {
  error: AppError;
  /** Who can grant the right, as far as the person may know. */
  ask: readonly string[];
}

/** @param tell privately unless there is a better place, such as a window that waits for the answer */
export async function refuse(
  services: Services,
  context: Context,
  refused: Refused,
  tell: (message: Message) => Promise<void> = (message) => context.reply.privately(message),
): Promise<void> {
  const { useCase, permission, action, subject } = refused;
  // Asked in any case, so that it takes the same time for what exists and for what does not.
  const known = await knownUseCases(services, context);
  const said =
    useCase && known.includes(useCase)
      ? { error: refusal(useCase, permission), ask: whoCanGrant(useCase, services.admins) }
      : withoutName(services, context, refused, known);
  const { ref } = said.error;
  await services.store.appendAudit({
    at: services.clock.now(),
    actor: context.actor,
    action,
    useCase: useCase?.id,
    subject,
    detail: { ref },
  });
  context.log.info({ ref, useCase: useCase?.id, action }, 'refused');
  await tell(errorMessage(said.error, { ask: said.ask }));
}

function withoutName(
  { admins }: Services,
  { actor }: Context,
  { useCase, typed }: Refused,
  known: readonly UseCase[],
): Refusal {
  if (typed !== undefined && known.length > 0) return { error: noUseCase(typed, known), ask: [] };
  // They have every right in every use case, so it can only be one from another configuration.
  if (!useCase && admins.includes(actor.user))
    return {
      error: new AppError('not_found', 'This use case is not configured any more.', {
        hint: 'Ask again with the command.',
      }),
      ask: [],
    };
  return { error: nothingOpen(), ask: admins };
}

/** Those that the person may know of in this place. */
export async function knownUseCases(
  { useCases, directory, store }: Services,
  { actor, place }: Context,
): Promise<UseCase[]> {
  const { channel } = place;
  const heard = channel === undefined ? [] : await store.listSubscriptions({ channel });
  const told = useCases.filter(
    (useCase) => belongsTo(channel, useCase) || heard.some((one) => one.useCase === useCase.id),
  );
  const isThere =
    channel !== undefined &&
    told.length > 0 &&
    (!place.claimed || (await directory.isInChannel(actor.user, channel).catch(() => false)));
  const may = await Promise.all(
    useCases.map(
      async (useCase) =>
        (isThere && told.includes(useCase)) || (await mayKnowOf(actor.user, useCase, useCases, directory)),
    ),
  );
  return useCases.filter((_, index) => may[index]);
}
