/** A training job's log, from an accepted order to what comes of it: the file, or why there is none. */

import { openLiveButton } from '../blocks/live.ts';
import { orderButton, writeOrder } from '../blocks/log-buttons.ts';
import { LOGS, logsUnknownJob } from '../blocks/logs.ts';
import {
  failureButtons,
  logsDelivered,
  logsNoneYet,
  logsNothingMatches,
  logsOutsideRange,
} from '../blocks/logs-result.ts';
import type { Button, Message } from '../blocks/message.ts';
import { watchButton } from '../blocks/tail.ts';
import { providerOf, whichProvider } from '../blocks/which-provider.ts';
import { may } from '../domain/access.ts';
import { exactWord } from '../domain/job-keys.ts';
import { isFinished } from '../domain/jobs.ts';
import type { LogOrder, LogQuery } from '../domain/log-order.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { type DownloadOutcome, downloadLogs } from '../operations/download-logs.ts';
import { findOwner, keyGiven } from '../operations/find-jobs.ts';
import type { FirstLines } from '../operations/first-lines.ts';
import { openableJob } from '../operations/live-runs.ts';
import type { Context } from './context.ts';
import { deliverInMessage, type LogMessage } from './log-message.ts';
import { knownUseCases } from './refusals.ts';
import type { Services } from './services.ts';

export interface LogTask {
  /** Its use case is left out if several may be meant: asked for again, it is looked for in all of them. */
  order: LogOrder;
  /** The order at the moment when it was given. */
  query: LogQuery;
  /** The person may read the logs of each of them. */
  useCases: readonly [UseCase, ...UseCase[]];
}

interface Delivery extends LogTask {
  services: Services;
  context: Context;
  message: LogMessage;
}

type Outcome<Kind extends DownloadOutcome['kind']> = Extract<DownloadOutcome, { kind: Kind }>;

/** @throws AppError for what went wrong before there was a message to tell it in */
export async function deliverLog(services: Services, context: Context, task: LogTask): Promise<void> {
  const { order, useCases } = task;
  const wanted = {
    name: order.job,
    useCases,
    dm: order.dm,
    sameAs: writeOrder({ ...order, useCase: undefined }),
    again: (label: string) => orderButton(label, LOGS.retry, order),
    ...(await runButtons(services, task)),
    next: ({ useCase, job, advice }: FirstLines) =>
      job && advice ? failureButtons(useCase, job, services.gateway.links(useCase, job)) : [],
  };
  await deliverInMessage(services, context, wanted, (message) =>
    fetchAndSend({ ...task, services, context, message }),
  );
}

/** For the first of the use cases in which the run can be shown. */
async function runButtons(
  { viewer, tails, store, gateway }: Services,
  { order, useCases }: LogTask,
): Promise<{ live?: Button | undefined; watch?: Button | undefined }> {
  for (const useCase of useCases) {
    const trainsOn = gateway.trainsOn(useCase);
    const word = (await keyGiven(store, useCase.id, order.job, trainsOn)) ?? order.job;
    const job = await openableJob(tails.runs, useCase.id, word, trainsOn);
    if (job === undefined) continue;
    const training = (await store.getJob(useCase.id, job))?.job;
    return {
      live: viewer && openLiveButton(useCase.id, job),
      watch: training && !isFinished(training) ? watchButton(useCase.id, job) : undefined,
    };
  }
  return {};
}

async function fetchAndSend(delivery: Delivery): Promise<void> {
  const { services, context, message, query, useCases } = delivery;
  message.show({ kind: 'opening' });
  const outcome = await downloadLogs(
    services,
    {
      actor: context.actor,
      by: context.userName ?? `Slack user ${context.actor.user}`,
      useCases,
      query,
      partLimit: services.files.maxBytes,
    },
    message.options,
  );
  switch (outcome.kind) {
    case 'unknown_job':
      return unknownJob(delivery, outcome);
    case 'several_jobs':
      return message.tell(severalJobs(delivery, outcome));
    case 'no_log':
      return message.tell(noneYet(delivery, outcome));
    case 'done':
      try {
        await send(delivery, outcome);
      } finally {
        await outcome.download.dispose();
      }
  }
}

async function send(delivery: Delivery, outcome: Outcome<'done'>): Promise<void> {
  const { services, context, message, query } = delivery;
  const { download, job, useCase, to, failure, loss } = outcome;
  const { facts, files, notes, resumed } = download;
  if (facts.events === 0 || files.length === 0) return message.tell(nothingFound(delivery, outcome));
  const words = logsDelivered({
    job,
    useCase,
    by: context.userName,
    events: facts.events,
    textBytes: facts.textBytes,
    firstEventAt: facts.firstEventAt,
    lastEventAt: facts.lastEventAt,
    streams: facts.streams.length,
    parts: files.length,
    gzipped: files.some((file) => file.gzipped),
    query,
    to,
    loss,
    notes,
    resumed,
    links: services.gateway.links(useCase, job),
    failure,
  });
  await message.send(useCase, files, words);
}

async function unknownJob(delivery: Delivery, outcome: Outcome<'unknown_job'>): Promise<void> {
  const { services, context, message, order, useCases } = delivery;
  const { job } = order;
  // Only if the person may know of it: to them, what is not theirs does not exist.
  const known = await knownUseCases(services, context);
  const others = known.filter((useCase) => !useCases.includes(useCase));
  const owner = await findOwner(services.gateway, context.actor, others, job);
  if (owner && !(await may(context.actor.user, 'logs:read', owner.useCase, services.directory)))
    return message.refuse(owner.useCase);
  const nearest = owner
    ? [{ name: `${job} in ${owner.useCase.name}`, order: { ...order, useCase: owner.useCase.id } }]
    : outcome.nearest.map(({ key, label, useCase }) => ({
        name: outcome.useCases.length === 1 ? label : `${label} in ${useCase.name}`,
        order: { ...order, job: exactWord(key), useCase: useCase.id },
      }));
  const where = useCases.map((useCase) => useCase.name).join(', ');
  await message.tell(logsUnknownJob(job, where, nearest, outcome));
}

/** The same order for each of them. */
function severalJobs({ order }: Delivery, { useCase, jobs }: Outcome<'several_jobs'>): Message {
  return whichProvider(
    order.job,
    jobs,
    jobs.map((key, index) =>
      orderButton(providerOf(key, jobs), `${LOGS.get}:${index}`, {
        ...order,
        job: exactWord(key),
        useCase: useCase.id,
      }),
    ),
  );
}

function noneYet({ services, order }: Delivery, outcome: Outcome<'no_log' | 'done'>): Message {
  const { job, useCase, failure, loss } = outcome;
  return logsNoneYet({ job, useCase, links: services.gateway.links(useCase, job), order, failure, loss });
}

/** There is nothing at all, nothing in the time range asked for, or nothing that matches. */
function nothingFound(delivery: Delivery, outcome: Outcome<'done'>): Message {
  const { order, query } = delivery;
  const { job, lastEventAt, loss } = outcome;
  const { since, until, match, streams } = query;
  // AWS removes what is too old within days: what does not match may still be there, and is older.
  const isEmpty = match === undefined && streams.length === 0 && lastEventAt === undefined;
  if (isEmpty && loss?.removed?.whole) return noneYet(delivery, outcome);
  const misses =
    lastEventAt !== undefined &&
    ((since !== undefined && since > lastEventAt) || (until !== undefined && match === undefined));
  if (misses) return logsOutsideRange({ job, order, query, lastEventAt });
  const narrowed = since !== undefined || until !== undefined || match !== undefined || streams.length > 0;
  return narrowed ? logsNothingMatches({ job, query, order, loss }) : noneYet(delivery, outcome);
}
