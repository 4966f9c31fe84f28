/** *Watch*: the end of a running job's log in a message that follows it, where everybody in the thread sees it. */

import { anotherVersion } from '../blocks/another-version.ts';
import { writeRef } from '../blocks/job-facts.ts';
import { type TailWhere, tailAnswer, WATCH, watchUsage } from '../blocks/tail.ts';
import { button } from '../blocks/text.ts';
import { providerOf, whichProvider } from '../blocks/which-provider.ts';
import { commandWords } from '../domain/command-words.ts';
import { nameOfJob, readJobWord } from '../domain/job-keys.ts';
import { parseJobName } from '../domain/job-names.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { asksForHelp } from '../domain/log-query.ts';
import { isDirectTail, type Tail, type TailPlace } from '../domain/tails.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { cardKey } from '../operations/card-key.ts';
import { startTail, stopTail } from '../operations/start-tails.ts';
import type { ClickedAction, Command } from './command.ts';
import type { Context } from './context.ts';
import { openUseCases, ownerOf, permitted, readJobRef } from './job-access.ts';
import type { Services } from './services.ts';

const ASKED = { permission: 'logs:read', action: 'logs.refused' } as const;

export function watchActions(services: Services): NonNullable<Command['actions']> {
  return {
    [WATCH.start]: (context, action) => pressed(services, context, action),
    [WATCH.stop]: (context, action) => stop(services, context, action),
    [WATCH.resume]: (context, action) => resume(services, context, action),
  };
}

/** `/signalbox watch <job>`, and `@signalbox watch <job>` in a thread. */
export async function watchTyped(services: Services, context: Context, rest: string): Promise<void> {
  const words = commandWords(rest);
  const invocation = `${context.invocation} watch`;
  const [word, ...more] = words;
  if (word === undefined || asksForHelp(words)) return context.reply.privately(watchUsage(invocation));
  if (more.length > 0)
    throw new AppError(
      'invalid_input',
      `${invocation} takes the name of one job, and there are ${words.length} words.`,
      {
        hint: `For example: ${invocation} ${word.slice(0, 60)}`,
      },
    );
  const name = parseJobName(word);
  const useCases = await openUseCases(services, context, { ...ASKED, subject: name });
  if (useCases.length === 0) return;
  const { useCase, jobs } = await ownerOf(services, context, useCases, name);
  const [job, ...others] = jobs;
  if (others.length === 0) return watch(services, context, useCase, job);
  await context.reply.privately(
    whichProvider(
      readJobWord(name).name,
      jobs,
      jobs.map((one, index) =>
        button(providerOf(one, jobs), `${WATCH.start}:${index}`, writeRef({ useCase: useCase.id, job: one })),
      ),
    ),
  );
}

async function pressed(services: Services, context: Context, { value }: ClickedAction): Promise<void> {
  const { useCase: id, job } = readJobRef(value);
  const useCase = await permitted(services, context, id, { ...ASKED, subject: job });
  if (useCase) await watch(services, context, useCase, job);
}

/** The person may read the log. */
async function watch(services: Services, context: Context, useCase: UseCase, job: string): Promise<void> {
  const training = await jobOf(services, useCase, job);
  if (isFinished(training)) return tellEnded(services, context, useCase, job, training);
  const { place, where, why } = await placeFor(services, context, useCase, job);
  const { begun } = await begin(services, context, place);
  const answer = tailAnswer(job, { kind: begun ? 'begun' : 'going', where, why });
  if (answer) await context.reply.privately(answer);
}

async function resume(services: Services, context: Context, { value }: ClickedAction): Promise<void> {
  const asked = await tailOf(services, context, value);
  if (!asked) return;
  const { useCase, tail } = asked;
  const training = await jobOf(services, useCase, tail.job);
  if (isFinished(training)) return tellEnded(services, context, useCase, tail.job, training);
  const { begun } = await begin(services, context, tail);
  // The message says that it goes on.
  const answer = begun ? undefined : tailAnswer(tail.job, { kind: 'going', where: 'here' });
  if (answer) await context.reply.privately(answer);
}

async function stop(services: Services, context: Context, { value }: ClickedAction): Promise<void> {
  const asked = await tailOf(services, context, value);
  if (!asked) return;
  const { user } = context.actor;
  await stopTail(tailDeps(services), asked.tail, { user, name: context.userName }, context.actor);
}

/** What a button of a tail's own message is about, for those who may. */
async function tailOf(
  services: Services,
  context: Context,
  value: string,
): Promise<{ useCase: UseCase; tail: Tail } | undefined> {
  const { useCase: id, job, target } = readJobRef(value);
  const useCase = await permitted(services, context, id, { ...ASKED, subject: job });
  if (!useCase) return undefined;
  const tail = target === undefined ? undefined : await services.store.getTail(target);
  // Its id leads to the message: it must be about the same job, and in the person's own place or the use case's.
  const isTheirs =
    tail?.useCase === useCase.id &&
    tail.job === job &&
    (isDirectTail(tail) ? tail.channel === context.actor.user : belongsTo(tail.channel, useCase));
  if (!tail || !isTheirs) throw anotherVersion();
  return { useCase, tail };
}

const tailDeps = ({ store, clock, tails }: Services) => ({ store, clock, changed: tails.changed });

async function begin(services: Services, { actor, userName }: Context, place: TailPlace) {
  const { useCase, job, channel, thread } = place;
  return startTail(tailDeps(services), {
    place: { useCase, job, channel, ...(thread === undefined ? {} : { thread }) },
    by: { user: actor.user, ...(userName === undefined ? {} : { name: userName }) },
    actor,
  });
}

/** @throws AppError not_found: there is nothing to see of it */
async function jobOf(
  { store, refresher, tails }: Services,
  useCase: UseCase,
  job: string,
): Promise<TrainingJob> {
  const known = async () => (await store.getJob(useCase.id, job))?.job;
  let training = await known();
  if (!training) {
    await refresher.refreshNow(useCase.id, job);
    training = await known();
  }
  if (training && (isFinished(training) || (await tails.runs.of(useCase.id, job)) !== undefined))
    return training;
  throw new AppError('not_found', `There is nothing to see of ${nameOfJob(job)} in ${useCase.name}.`, {
    hint: 'Check its name. If it has just been started, try again in a minute.',
  });
}

async function tellEnded(
  { viewer }: Services,
  context: Context,
  useCase: UseCase,
  job: string,
  training: TrainingJob,
): Promise<void> {
  const canOpen = (await viewer?.runs.of(useCase.id, job)) !== undefined;
  await context.reply.privately(tailAnswer(job, { kind: 'ended', useCase: useCase.id, training, canOpen })!);
}

interface Destination {
  place: TailPlace;
  where: TailWhere;
  why?: string | undefined;
}

/** Into a thread where everybody may read it, and otherwise to the person alone. */
async function placeFor(
  { store, tails }: Services,
  { actor, place, view }: Context,
  useCase: UseCase,
  job: string,
): Promise<Destination> {
  const of = { useCase: useCase.id, job };
  const directly = (why?: string): Destination => ({
    place: { ...of, channel: actor.user },
    where: place.isDirect && place.channel !== undefined && !view ? 'here' : 'direct',
    why,
  });
  const { channel, thread } = place;
  const here = view ? 'behind' : 'here';
  if (place.isDirect || channel === undefined) return directly();
  if (!belongsTo(channel, useCase)) return directly('this channel does not belong to the use case');
  if (useCase.logs.delivery === 'dm') return directly('the use case wants it so');
  const key = await cardKey(store, useCase.id, job);
  const card = (await store.getPost(key))?.posted;
  if (card?.channel === channel && (thread === undefined || thread === card.ts))
    return { place: { ...of, channel, thread: key }, where: thread === undefined ? 'card' : here };
  if (thread === undefined) return { place: { ...of, channel }, where: here };
  const parent = `thread/${channel}/${thread}`;
  await tails.notices.adopt(parent, channel, thread);
  return { place: { ...of, channel, thread: parent }, where: here };
}
