/** Which use case and provider a job's name belongs to, and so which log. */
import { setMaxListeners } from 'node:events';
import { jobKey, labelOfJob, readJobWord, wordOfJob } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { LogQuery } from '../domain/log-order.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { LogSource, LogStreamInfo } from '../ports/log-source.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { nearestJobs } from './find-jobs.ts';
import { jobsCalled, jobsMeant, logOf, providerNamed, refusedKinds, refuseUnasked } from './job-places.ts';
import { askForLoss } from './log-loss.ts';

/** Names suggested for an unknown one. */
const NEAREST = 5;

export interface LocatedLog {
  source: LogSource;
  /** Already requested. */
  listing?: Promise<readonly LogStreamInfo[]>;
}

interface Found {
  useCase: UseCase;
  session: UseCaseSession;
  /** None: no such job. More than one: on several providers. */
  jobs: readonly TrainingJob[];
  /** Left out if its owner is unknown. */
  log?: LocatedLog | undefined;
  /** That other jobs were called so too: a sentence. */
  note?: string | undefined;
  /** Kinds that the role may not ask about, where it may be too. */
  refused?: readonly ProviderName[];
}

export interface Located extends Found {
  /** Those that answered. */
  searched: readonly Pick<Found, 'useCase' | 'session' | 'refused'>[];
}

/** The first use case that has the job; the first of all when none has it. @throws AppError as the gateway */
export async function locateLog(
  gateway: UseCaseGateway,
  request: { actor: Actor; useCases: readonly [UseCase, ...UseCase[]]; query: Pick<LogQuery, 'job'> },
  signal?: AbortSignal,
): Promise<Located> {
  const only = request.useCases.length === 1;
  const searched = await Promise.allSettled(
    request.useCases.map(async (useCase): Promise<Found> => {
      const session = await gateway.open(useCase, request.actor, 'logs');
      return { useCase, session, ...(await findIn(session, request.query.job, { ahead: only, signal })) };
    }),
  );
  signal?.throwIfAborted();
  const found = searched.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const having = found.filter(({ jobs }) => jobs.length > 0);
  if (having.length > 1) {
    const ids = having.map(({ useCase }) => useCase.id);
    throw new AppError(
      'invalid_input',
      `${ids.length} use cases have a job of this name: ${ids.join(', ')}.`,
      {
        hint: `Say which: --use-case ${ids[0]}`,
      },
    );
  }
  const failed = searched.find((result) => result.status === 'rejected');
  const chosen = having[0] ?? (failed ? undefined : found[0]);
  // Not found, but not everybody answered, so say that.
  if (!chosen) throw failed!.reason;
  return { ...chosen, searched: found };
}

/** @param how.ahead request the log's streams at the same time, if it is known whose they are */
async function findIn(
  session: UseCaseSession,
  word: string,
  how: { ahead: boolean; signal: AbortSignal | undefined },
): Promise<Pick<Found, 'jobs' | 'log' | 'note' | 'refused'>> {
  const asked = readJobWord(word);
  const [alone] = session.providers.length === 1 ? session.providers : [];
  const provider = asked.provider ? providerNamed(session, asked.provider) : alone;
  if (provider) return findOn(provider, asked.name, how);
  const { jobs, older, unasked } = await jobsMeant(session, asked, { signal: how.signal });
  if (jobs.length === 0) refuseUnasked(unasked);
  const [job] = jobs.length === 1 ? jobs : [];
  return {
    jobs,
    log: job && { source: logOf(session, jobKey(job)) },
    note: noteOf(asked.name, older),
    refused: refusedKinds(unasked),
  };
}

function noteOf(name: string, older: readonly TrainingJob[]): string | undefined {
  if (older.length === 0) return undefined;
  const named = older.slice(0, 3).map((job) => job.name);
  const more = older.length > named.length ? ` and ${older.length - named.length} more` : '';
  return `${name} is the name of ${older.length + 1} jobs, and this is the newest. The older ones: ${named.join(', ')}${more}.`;
}

async function findOn(
  provider: TrainingProvider,
  name: string,
  { ahead, signal }: { ahead: boolean; signal: AbortSignal | undefined },
): Promise<Pick<Found, 'jobs' | 'log' | 'note'>> {
  const source = provider.log(name);
  askForLoss(source);
  // The job nearly always exists, so its streams are requested at the same time, which saves a round trip.
  const early = ahead ? listAhead(source, signal) : undefined;
  try {
    const [job, ...older] = await jobsCalled(provider, name, signal);
    if (job?.name === name)
      return { jobs: [job], log: { source, ...(early ? { listing: early.listing } : {}) } };
    early?.drop();
    // Some services know a name in any letter case, or a part of it; streams have it as it is.
    return {
      jobs: job ? [job] : [],
      log: { source: job ? provider.log(job.name) : source },
      note: noteOf(name, older),
    };
  } catch (error) {
    early?.drop();
    throw error;
  }
}

/** A listing that nobody has to await: if it fails, only those who do await it are told. */
function listAhead(source: LogSource, signal: AbortSignal | undefined) {
  const dropped = new AbortController();
  const ended = signal ? AbortSignal.any([signal, dropped.signal]) : dropped.signal;
  // Each page of a long listing listens to it, and may stop listening only after the next one has begun.
  setMaxListeners(0, ended);
  const listing = source.listStreams(ended);
  listing.catch(() => undefined);
  return { listing, drop: () => dropped.abort() };
}

/** A job that somebody may have meant. */
export interface NearJob {
  useCase: UseCase;
  key: string;
  /** As lists show it. */
  label: string;
  /** To be typed, and unambiguous. */
  word: string;
}

/** From all use cases, nearest first. */
export async function nearestLogs(
  searched: Located['searched'],
  word: string,
  signal: AbortSignal | undefined,
): Promise<NearJob[]> {
  const asked = readJobWord(word);
  const found = await Promise.all(
    searched.map(async ({ useCase, session }) => {
      const named = asked.provider && providerNamed(session, asked.provider);
      const there = named ? await nearestJobs({ providers: [named] }, asked.name, NEAREST, signal) : [];
      // Who gave the wrong kind finds the job where it is.
      const others = session.providers.filter((one) => one !== named);
      const jobs =
        there.length > 0 || others.length === 0
          ? there
          : await nearestJobs({ providers: others }, asked.name, NEAREST, signal).catch((error) => {
              if (named) return [];
              throw error;
            });
      const trainsOn = session.providers.map(({ name }) => name);
      return jobs.map((job) => {
        const key = jobKey(job);
        const near = { useCase, key, label: labelOfJob(key, trainsOn), word: wordOfJob(key, trainsOn) };
        return { job, near };
      });
    }),
  );
  const all = found.flat();
  const ranked = nearestNames(asked.name, [...new Set(all.map(({ job }) => job.name))], NEAREST);
  return ranked
    .flatMap((near) => all.filter(({ job }) => job.name === near))
    .slice(0, NEAREST)
    .map(({ near }) => near);
}
