/** From an accepted request to the file in Slack: one message that tells how far it is, then the file. */
import { errorMessage } from '../blocks/errors.ts';
import {
  LOGS,
  type LogOrder,
  type LogStage,
  logsAlreadyRunning,
  logsCancelled,
  logsInterrupted,
  logsPerhapsThere,
  logsProgress,
  logsSentDirectly,
  logsUnknownJob,
  orderButton,
} from '../blocks/logs.ts';
import {
  type LogResult,
  logsDelivered,
  logsNoneYet,
  logsNothingMatches,
  logsOutsideRange,
  logsUnshared,
} from '../blocks/logs-result.ts';
import type { Message } from '../blocks/message.ts';
import { may, whoCanGrant } from '../domain/access.ts';
import { joinWords } from '../domain/command-words.ts';
import { type LogQuery, withJob, withSince } from '../domain/log-query.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { CancelledError, toAppError } from '../ground/errors.ts';
import { type DownloadOutcome, downloadLogs } from '../operations/download-logs.ts';
import type { Ticket } from '../operations/download-queue.ts';
import { findOwner } from '../operations/find-jobs.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';
import type { Context } from './context.ts';
import { knownUseCases, refuse } from './refusals.ts';
import { explain, isAdmin, type Services } from './services.ts';
import { keepUnfinished, type Unfinished } from './unfinished.ts';

export interface LogTask {
  query: LogQuery;
  /** The arguments as they came, for the buttons that repeat them. */
  words: readonly string[];
  /** The person may read each of them. */
  useCases: readonly [UseCase, ...UseCase[]];
}

type Done = Extract<DownloadOutcome, { kind: 'done' }>;

/** @throws AppError for what went wrong before there was a message to tell it in */
export async function deliverLog(services: Services, context: Context, task: LogTask): Promise<void> {
  const { query } = task;
  const destination = chooseDestination(context, task);
  const order: LogOrder = {
    ...(task.useCases.length === 1 ? { u: task.useCases[0].id } : {}),
    a: joinWords(task.words),
  };
  const key = JSON.stringify([
    task.useCases.map((useCase) => useCase.id),
    joinWords(task.words),
    destination.direct ? context.actor.user : [context.place.channel, context.place.thread],
  ]);
  const same = (await services.downloads.sameAnywhere(key)) ?? services.downloads.same(key);
  if (same) return context.reply.privately(logsAlreadyRunning(query.job, same.startedAt, same.userName));

  let message: LiveMessage | undefined;
  let unfinished: Unfinished | undefined;
  const show = (stage: LogStage, ticket: Ticket): Message =>
    logsProgress(query.job, context.userName, stage, ticket.id);
  const request = {
    key,
    user: context.actor.user,
    userName: context.userName,
    useCases: task.useCases.map((useCase) => useCase.id),
  };
  const ahead = services.downloads.ahead;
  try {
    await services.downloads.run(
      request,
      async (ticket) => {
        await fetchAndSend(services, context, task, order, message!, unfinished!, ticket);
      },
      async (ticket) => {
        const first = show(ahead > 0 ? { kind: 'waiting', ahead } : { kind: 'opening' }, ticket);
        message = destination.direct
          ? await context.reply.directly(first)
          : await context.reply.publicly(first);
        const retry = orderButton('Ask again', LOGS.retry, order);
        const interrupted = logsInterrupted(query.job, retry);
        unfinished = await keepUnfinished(
          services,
          context.log,
          ticket.id,
          message,
          interrupted,
          services.downloads.onRecord(request),
        );
        if (destination.direct && !context.place.isDirect)
          await context.reply.privately(logsSentDirectly(query.job, destination.why));
      },
    );
  } catch (error) {
    if (!message) throw error;
    await end(services, context, task, order, message, error);
  }
  // Not where the last words were not taken: then the next start finds them.
  await unfinished?.over();
}

/** Into the channel only where everybody may read it: what belongs to a use case stays in its own channels. */
function chooseDestination(context: Context, task: LogTask): { direct: boolean; why: string } {
  const { place } = context;
  if (place.isDirect || task.query.dm) return { direct: true, why: '' };
  if (!task.useCases.every((useCase) => belongsTo(place.channel, useCase)))
    return { direct: true, why: 'this channel does not belong to the use case' };
  if (task.useCases.some((useCase) => useCase.logs.delivery === 'dm'))
    return { direct: true, why: 'the use case wants it so' };
  return { direct: false, why: '' };
}

async function fetchAndSend(
  services: Services,
  context: Context,
  task: LogTask,
  order: LogOrder,
  message: LiveMessage,
  unfinished: Unfinished,
  ticket: Ticket,
): Promise<void> {
  const { query } = task;
  const show = (stage: LogStage): void =>
    message.edit(logsProgress(query.job, context.userName, stage, ticket.id));
  show({ kind: 'opening' });
  const outcome = await downloadLogs(
    services,
    {
      actor: context.actor,
      by: context.userName ?? `Slack user ${context.actor.user}`,
      useCases: task.useCases,
      query,
      partLimit: services.files.maxBytes,
    },
    {
      signal: ticket.signal,
      onProgress: (progress) =>
        show(
          progress.phase === 'writing' ? { kind: 'writing', ...progress } : { kind: 'fetching', ...progress },
        ),
    },
  );
  switch (outcome.kind) {
    case 'unknown_job':
      return unknownJob(services, context, task, message, outcome);
    case 'no_log': {
      const links = services.gateway.links(outcome.useCase, outcome.job);
      return tellAlone(
        context,
        message,
        logsNoneYet(outcome.job, outcome.useCase, links, order, outcome.failure),
      );
    }
    case 'done':
      try {
        await send(services, context, task, order, message, unfinished, outcome, ticket);
      } finally {
        await outcome.download.dispose();
      }
  }
}

async function send(
  services: Services,
  context: Context,
  task: LogTask,
  order: LogOrder,
  message: LiveMessage,
  unfinished: Unfinished,
  outcome: Done,
  ticket: Ticket,
): Promise<void> {
  const { query } = task;
  const { download, job, useCase } = outcome;
  if (download.facts.events === 0 || download.files.length === 0)
    return tellAlone(context, message, nothingFound(services, task, outcome, order));
  // Fetching may have taken long: the right is looked at again before anything is shown.
  if (!(await may(context.actor.user, 'logs:read', useCase, services.directory))) {
    await message.remove();
    return refuse(services, context, {
      useCase,
      permission: 'logs:read',
      action: 'logs.refused',
      subject: job.name,
    });
  }
  const total = download.files.reduce((sum, file) => sum + file.bytes, 0);
  const result: LogResult = {
    job,
    useCase,
    by: context.userName,
    events: download.facts.events,
    textBytes: download.facts.textBytes,
    firstEventAt: download.facts.firstEventAt,
    lastEventAt: download.facts.lastEventAt,
    streams: download.facts.streams.length,
    parts: download.files.length,
    gzipped: download.files.some((file) => file.gzipped),
    query,
    to: outcome.to,
    notes: download.notes,
    resumed: download.resumed,
    links: services.gateway.links(useCase, job),
    failure: outcome.failure,
  };
  const delivered = logsDelivered(result);
  const upload = (sent: number): void =>
    message.edit(
      logsProgress(
        query.job,
        context.userName,
        { kind: 'uploading', bytes: total, fraction: total === 0 ? 1 : sent / total },
        ticket.id,
      ),
    );
  upload(0);
  const { shared } = await services.files.deliver(
    {
      files: download.files.map((file) => ({
        path: file.path,
        name: file.name,
        title: file.name,
        bytes: file.bytes,
      })),
      channel: message.channel,
      thread: message.thread,
      comment: delivered.text,
      blocks: delivered.blocks,
    },
    {
      signal: ticket.signal,
      onProgress: upload,
      onSharing: (ids) =>
        unfinished.sharing(ids, logsPerhapsThere(query.job, orderButton('Ask again', LOGS.retry, order))),
    },
  );
  // From here on the same request is a new one.
  services.downloads.release(ticket.id);
  await unfinished.onlyToRemove();
  // The file's own message says everything: the progress has done its work.
  if (await shared) await message.remove();
  else await message.finish(logsUnshared(result));
}

async function unknownJob(
  services: Services,
  context: Context,
  task: LogTask,
  message: LiveMessage,
  outcome: Extract<DownloadOutcome, { kind: 'unknown_job' }>,
): Promise<void> {
  // Only where the person may learn of it: elsewhere, what is not theirs is not there.
  const known = await knownUseCases(services, context);
  const others = known.filter((useCase) => !task.useCases.includes(useCase));
  const owner = await findOwner(services.gateway, context.actor, others, task.query.job);
  if (owner && !(await may(context.actor.user, 'logs:read', owner, services.directory))) {
    await message.remove();
    return refuse(services, context, {
      useCase: owner,
      permission: 'logs:read',
      action: 'logs.refused',
      subject: task.query.job,
    });
  }
  const nearest = owner
    ? [{ name: `${task.query.job} in ${owner.name}`, order: { u: owner.id, a: joinWords(task.words) } }]
    : outcome.nearest.map(({ name, useCase }) => ({
        name: outcome.useCases.length === 1 ? name : `${name} in ${useCase.name}`,
        order: { u: useCase.id, a: joinWords(withJob(task.words, name)) },
      }));
  const where = task.useCases.map((useCase) => useCase.name).join(', ');
  await tellAlone(context, message, logsUnknownJob(task.query.job, where, nearest));
}

/** What helps nobody else: the progress goes, and who asked is told; where only they read, it stays there. */
async function tellAlone(context: Context, message: LiveMessage, words: Message): Promise<void> {
  // Sent to the person directly, whatever place they asked in.
  if (context.place.isDirect || message.channel !== context.place.channel) return message.finish(words);
  await message.remove();
  await context.reply.privately(words);
}

/** Nothing at all, nothing in that range of time (then when it ended, and as much of its end), or no match. */
function nothingFound(services: Services, task: LogTask, outcome: Done, order: LogOrder): Message {
  const { query } = task;
  const { job, useCase, lastEventAt, failure } = outcome;
  const { since, until, span } = query;
  const misses =
    lastEventAt !== undefined &&
    ((since !== undefined && since > lastEventAt) || (until !== undefined && query.match === undefined));
  if (misses) {
    const lastSpan =
      span === undefined ? undefined : { ...order, a: joinWords(withSince(task.words, lastEventAt - span)) };
    return logsOutsideRange(job, query, lastEventAt, order, lastSpan);
  }
  const narrowed =
    since !== undefined || until !== undefined || query.match !== undefined || query.streams.length > 0;
  return narrowed
    ? logsNothingMatches(job, query, order)
    : logsNoneYet(job, useCase, services.gateway.links(useCase, job), order, failure);
}

/** The progress message becomes the message of how it ended; account details go to an admin alone. */
async function end(
  services: Services,
  context: Context,
  task: LogTask,
  order: LogOrder,
  message: LiveMessage,
  thrown: unknown,
): Promise<void> {
  if (thrown instanceof CancelledError) {
    context.log.info({ job: task.query.job }, 'download cancelled');
    return message.finish(logsCancelled(task.query.job, thrown.message, order));
  }
  const error = toAppError(thrown);
  const [useCase] = task.useCases;
  context.log[error.code === 'internal' ? 'error' : 'warn'](
    { ref: error.ref, err: error, job: task.query.job, useCase: useCase.id },
    'download failed',
  );
  const retry = orderButton('Retry', LOGS.retry, order);
  const isDirectMessage = context.place.isDirect && (await isAdmin(services, context, useCase));
  await message.finish(errorMessage(error, { buttons: [retry], asAdmin: isDirectMessage }));
  if (error.code === 'permission_denied' && error.adminHint && !isDirectMessage) {
    if (await isAdmin(services, context, useCase)) await explain(services, context, useCase, error);
    else await context.reply.privately(errorMessage(error, { ask: whoCanGrant(useCase, services.admins) }));
  }
}
