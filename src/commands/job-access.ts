/** Which use case a job belongs to and whether the person may: checked at every command and again at every click. */

import { anotherVersion } from '../blocks/another-version.ts';
import { type JobRef, readRef } from '../blocks/job-facts.ts';
import type { Message } from '../blocks/message.ts';
import { may as mayDo, type Permission, permittedUseCases } from '../domain/access.ts';
import { jobKey, readJobWord } from '../domain/job-keys.ts';
import { SAGEMAKER_NAMES, type SageMakerName } from '../domain/providers.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import { chooseUseCase } from '../operations/choose-use-case.ts';
import { findOwner, keysMeant } from '../operations/find-jobs.ts';
import type { Context } from './context.ts';
import { refuse } from './refusals.ts';
import type { Services } from './services.ts';

export interface Question {
  permission: Permission;
  /** What a refusal is recorded as: `compile.refused`. */
  action: string;
  /** The job or component that it is about. */
  subject?: string | undefined;
}

/**
 * The use case that a button names, if the person has the right.
 * @param tell shows a refusal: privately, unless there is a better place, such as a window that waits for the answer
 * @returns undefined if they may not, which was recorded and told to them
 */
export async function permitted(
  services: Services,
  context: Context,
  id: string,
  question: Question,
  tell?: (message: Message) => Promise<void>,
): Promise<UseCase | undefined> {
  const { useCases, directory } = services;
  const { user } = context.actor;
  const { permission } = question;
  const useCase = useCases.find((known) => known.id === id);
  // Slack is asked even if there is no such use case, so that both cases fail alike if it does not answer.
  const may = useCase
    ? await mayDo(user, permission, useCase, directory)
    : void (await permittedUseCases(user, permission, useCases, directory));
  if (useCase && may) return useCase;
  await refuse(services, context, { ...question, useCase }, tell);
  return undefined;
}

/** Milliseconds for finding out which kinds of jobs are looked at here, for a help text. */
const KINDS_WITHIN = 1_000;

/** SageMaker's kinds of jobs in the use cases that the person may read logs of here; none if that is not known in time. */
export async function kindsHere(
  { useCases, directory }: Pick<Services, 'useCases' | 'directory'>,
  { actor: { user }, place }: Pick<Context, 'actor' | 'place'>,
): Promise<readonly SageMakerName[]> {
  const find = async () => {
    const answer = await chooseUseCase(
      { user, permission: 'logs:read', channel: place.channel, isDirect: place.isDirect },
      useCases,
      directory,
    );
    if (answer.kind === 'refused') return [];
    const shown = (answer.kind === 'chosen' ? answer.candidates : answer.open).flatMap(sageMakerNames);
    return SAGEMAKER_NAMES.filter((name) => shown.includes(name));
  };
  return (await inTime(KINDS_WITHIN, find()).catch(() => undefined)) ?? [];
}

/** The use cases that a command may mean here; empty if there is none, and the person was told why. */
export async function openUseCases(
  services: Services,
  context: Context,
  { permission, action, subject }: Question,
  tell?: (message: Message) => Promise<void>,
): Promise<readonly UseCase[]> {
  const answer = await chooseUseCase(
    {
      user: context.actor.user,
      permission,
      channel: context.place.channel,
      isDirect: context.place.isDirect,
    },
    services.useCases,
    services.directory,
  );
  switch (answer.kind) {
    case 'chosen':
      return answer.candidates;
    case 'refused':
      await refuse(services, context, { useCase: answer.useCase, permission, action, subject }, tell);
      return [];
    case 'no_use_case': {
      if (context.place.isDirect)
        throw new AppError('permission_denied', 'You do not have a role in any use case.', {
          hint: 'Ask in your team’s channel who can give you one.',
        });
      const open = answer.open.map(({ name, channels }) => `${name} ${channels.slice(0, 3).join(' ')}`);
      throw new AppError('invalid_input', 'This channel does not belong to a use case.', {
        hint:
          open.length > 0
            ? `Ask in a channel of yours (${open.slice(0, 10).join(', ')}), or write to me directly.`
            : 'Ask in the channel of a use case, or ask an admin of one to give you a role.',
      });
    }
  }
}

/**
 * Of several use cases, the one that has the job that somebody typed; the first one if none has it.
 * @returns jobs: the keys that may be meant. More than one: on several providers, and the person has to be asked.
 *   A job that no provider has stays in the list under one key, so that using it gives the error.
 */
export async function ownerOf(
  services: Services,
  context: Context,
  candidates: readonly UseCase[],
  word: string,
): Promise<{ useCase: UseCase; jobs: readonly [string, ...string[]] }> {
  const { gateway } = services;
  const { actor } = context;
  const asked = readJobWord(word);
  const among = async (useCase: UseCase): Promise<[string, ...string[]]> => {
    const [job, ...others] = await keysMeant(gateway, actor, useCase, asked);
    if (job !== undefined) return [job, ...others];
    const [provider] = gateway.trainsOn(useCase);
    return [jobKey({ provider, ...asked })];
  };
  const [first] = candidates;
  if (candidates.length > 1) {
    for (const useCase of candidates)
      for (const provider of asked.provider ? [asked.provider] : gateway.trainsOn(useCase))
        if (await services.store.getJob(useCase.id, jobKey({ provider, name: asked.name })))
          return { useCase, jobs: await among(useCase) };
    const owner = await findOwner(gateway, actor, candidates, word);
    if (owner) {
      const [job, ...others] = owner.jobs;
      return { useCase: owner.useCase, jobs: [jobKey(job), ...others.map(jobKey)] };
    }
  }
  return { useCase: first!, jobs: await among(first!) };
}

/** @throws AppError for a button of another version */
export function readJobRef(value: string): JobRef {
  const ref = readRef(value);
  if (!ref) throw anotherVersion();
  return ref;
}

/** Where a modal was opened from, where its answers go, and what it is about. Read back by `slack/`. */
export function metadataFor(context: Context, about: Readonly<Record<string, string>> = {}): string {
  const { channel, thread, isDirect } = context.place;
  return JSON.stringify({ channel, thread, isDirect, ...about });
}

/** What `metadataFor` was given in addition to the place. */
export function readMetadata(metadata: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(metadata);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch (cause) {
    throw anotherVersion('window', { hint: 'Close it and ask again with the command.', cause });
  }
  return {};
}
