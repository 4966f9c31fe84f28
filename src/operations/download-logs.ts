/**
 * One job's log as files on disk, on record. Rights are the caller's to check before: in Slack by the person's
 * roles, on the command line by the AWS credentials in use.
 */
import { setMaxListeners } from 'node:events';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { logFileName, logHeader } from '../domain/log-files.ts';
import type { LogQuery } from '../domain/log-order.ts';
import { utcSecond } from '../domain/log-times.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { LogDownload, LogDownloader, LogProgress } from '../logs/index.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import type { LogSource, LogStreamInfo } from '../ports/log-source.ts';
import type { Store } from '../ports/store.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { explainTraining, type TrainingFailure } from './explain-failure.ts';
import { nearestJobs } from './find-jobs.ts';
import { readLogEnds } from './log-end.ts';

/** Names that are offered for one that nothing has. */
const NEAREST = 5;

export interface DownloadDeps {
  gateway: UseCaseGateway;
  engine: LogDownloader;
  store: Pick<Store, 'appendAudit'>;
  clock: Clock;
}

export interface DownloadRequest {
  actor: Actor;
  /** The person as the reader of the file knows them: `ada`. */
  by: string;
  /** The first of them that has the job is taken. */
  useCases: readonly [UseCase, ...UseCase[]];
  query: LogQuery;
  /** Bytes; no file becomes larger. */
  partLimit?: number | undefined;
  /** Exact path of the file; left out: in the spool until `dispose`. */
  out?: string | undefined;
  /** Never gzip, whatever the use case says. */
  neverGzip?: boolean | undefined;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  onProgress?: (progress: LogProgress) => void;
}

export type DownloadOutcome =
  | {
      kind: 'done';
      job: TrainingJob;
      useCase: UseCase;
      download: LogDownload;
      sessionName: string;
      /** Ends the range: see `endOfLog`, or `--until`. */
      to: number;
      /** Of a job that failed or was stopped: all that is known about why. */
      failure?: TrainingFailure | undefined;
      /** Where nothing was found in a range of time: when the log's last event was, whatever the range. */
      lastEventAt?: EpochMs | undefined;
    }
  | {
      kind: 'unknown_job';
      /** Where it was looked for. */
      useCases: readonly UseCase[];
      /** The nearest names first. */
      nearest: readonly { name: string; useCase: UseCase }[];
    }
  /** The job is there and has not printed anything (yet). */
  | {
      kind: 'no_log';
      job: TrainingJob;
      useCase: UseCase;
      sessionName: string;
      failure?: TrainingFailure | undefined;
    };

/**
 * @throws AppError as the gateway and the engine; CancelledError. Every end is in the audit trail: downloaded,
 *   failed or cancelled; the record of a download is durable before its files are handed over.
 */
export async function downloadLogs(
  deps: DownloadDeps,
  request: DownloadRequest,
  options: DownloadOptions = {},
): Promise<DownloadOutcome> {
  const now = deps.clock.now();
  let useCase: UseCase = request.useCases[0];
  let session: UseCaseSession | undefined;
  const record = (action: string, detail?: AuditRecord['detail']): Promise<void> =>
    deps.store.appendAudit({
      at: deps.clock.now(),
      actor: request.actor,
      action,
      useCase: useCase.id,
      subject: request.query.job,
      sessionName: session?.sessionName,
      detail,
    });

  try {
    const located = await locate(deps, request, options.signal);
    useCase = located.useCase;
    session = located.session;
    const { job, log } = located;
    const { sessionName } = session;
    if (!job) {
      const nearest = await nearestOf(located.searched, request.query.job, options.signal);
      await record('logs.unknown_job');
      return { kind: 'unknown_job', useCases: request.useCases, nearest };
    }

    const end = endOfLog(log.source, { finished: isFinished(job), endedAt: job.endedAt, now });
    const to = Math.min(request.query.until ?? end, end);
    const why = explainInTheMeantime(job, log.source, { now, signal: options.signal });
    const download = await fetchLog(deps.engine, request, { job, useCase, log, now, to }, options);
    if (!download) {
      await record('logs.none_yet');
      return { kind: 'no_log', job, useCase, sessionName, failure: await why };
    }
    try {
      await record('logs.downloaded', {
        events: download.facts.events,
        bytes: download.facts.textBytes,
        files: download.files.length,
      });
    } catch (error) {
      await download.dispose();
      throw error;
    }
    const ranged = request.query.since !== undefined || request.query.until !== undefined;
    const lastEventAt =
      ranged && download.facts.events === 0 ? await lastOf(log.source, now, options.signal) : undefined;
    return { kind: 'done', job, useCase, download, sessionName, to, failure: await why, lastEventAt };
  } catch (error) {
    if (error instanceof CancelledError || options.signal?.aborted) {
      await record('logs.cancelled');
      throw error;
    }
    const failure = toAppError(error);
    const detail = { code: failure.code, ref: failure.ref };
    await record('logs.failed', detail).catch((unrecorded: unknown) => {
      throw withoutRecord(failure, toAppError(unrecorded));
    });
    throw failure;
  }
}

/** What failed stays the thing to say; that it is not on record either comes after it. */
function withoutRecord(failure: AppError, unrecorded: AppError): AppError {
  if (failure.message === unrecorded.message) return failure;
  return new AppError(failure.code, `${failure.message} Besides: ${unrecorded.message}`, {
    hint: [failure.hint, unrecorded.hint].filter(Boolean).join('\n'),
    adminHint: failure.adminHint,
    cause: failure,
  });
}

/** Over all use cases, the nearest first. */
async function nearestOf(
  searched: Located['searched'],
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ name: string; useCase: UseCase }[]> {
  const found = await Promise.all(
    searched.map(async ({ useCase, session }) => {
      const names = await nearestJobs(session.provider.jobs, name, NEAREST, signal);
      return names.map((near) => ({ name: near, useCase }));
    }),
  );
  const all = found.flat();
  const ranked = nearestNames(name, [...new Set(all.map((one) => one.name))], NEAREST);
  return ranked.flatMap((near) => all.filter((one) => one.name === near)).slice(0, NEAREST);
}

/**
 * Where the time range of a whole log ends, exclusive. Of a run that goes on it is the moment of the request, so that
 * its download ends. One that has ended writes nothing more: there the clocks of this machine, of the service and of
 * the instances may differ without an event being left out.
 */
export function endOfLog(
  source: Pick<LogSource, 'aheadMs'>,
  run: { finished: boolean; endedAt: EpochMs | undefined; now: EpochMs },
): EpochMs {
  if (!run.finished) return run.now;
  return Math.max(run.now, run.endedAt ?? 0) + (source.aheadMs ?? 0);
}

interface Located {
  useCase: UseCase;
  session: UseCaseSession;
  job: TrainingJob | undefined;
  log: { source: LogSource; listing?: Promise<readonly LogStreamInfo[]> };
  /** Those that could be asked. */
  searched: readonly { useCase: UseCase; session: UseCaseSession }[];
}

/** The first use case that has the job; the first of all when none has it. */
async function locate(deps: DownloadDeps, request: DownloadRequest, signal?: AbortSignal): Promise<Located> {
  const { job: name } = request.query;
  const only = request.useCases.length === 1;
  const searched = await Promise.allSettled(
    request.useCases.map(async (useCase): Promise<Omit<Located, 'searched'>> => {
      const session = await deps.gateway.open(useCase, request.actor, 'logs');
      const source = session.provider.log(name);
      // Nearly always the job is there: its streams are asked for at the same time, which saves a round trip.
      const ahead = only ? listAhead(source, signal) : undefined;
      try {
        const job = await session.provider.jobs.find(name, signal);
        if (!job) ahead?.drop();
        return { useCase, session, job, log: { source, ...(ahead ? { listing: ahead.listing } : {}) } };
      } catch (error) {
        ahead?.drop();
        throw error;
      }
    }),
  );
  signal?.throwIfAborted();
  const found = searched.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const having = found.filter(({ job }) => job !== undefined);
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
  // Not found where it could be looked for, but somewhere it could not: that is the thing to say.
  if (!chosen) throw failed!.reason;
  return { ...chosen, searched: found };
}

/** A listing that nobody has to wait for: its failure is told to whoever does, and to nobody else. */
function listAhead(source: LogSource, signal: AbortSignal | undefined) {
  const dropped = new AbortController();
  const ended = signal ? AbortSignal.any([signal, dropped.signal]) : dropped.signal;
  // Each page of a long listing listens to it, and its connection may close later than the next one opens.
  setMaxListeners(0, ended);
  const listing = source.listStreams(ended);
  listing.catch(() => undefined);
  return { listing, drop: () => dropped.abort() };
}

async function fetchLog(
  engine: LogDownloader,
  request: DownloadRequest,
  found: { job: TrainingJob; useCase: UseCase; log: Located['log']; now: number; to: number },
  options: DownloadOptions,
): Promise<LogDownload | undefined> {
  const { query } = request;
  const { job, useCase, log, now, to } = found;
  try {
    return await engine.download(
      {
        ...log,
        from: query.since,
        to,
        ...(query.streams.length === 0 ? {} : { streams: query.streams }),
        tail: query.tail,
        match: query.match,
        form: query.form,
        fileName: logFileName(job.name, now),
        gzipAbove: request.neverGzip ? Number.POSITIVE_INFINITY : useCase.logs.gzipAbove,
        partLimit: request.partLimit,
        out: request.out,
        ...(query.form === 'raw'
          ? {} // Bytes as printed: nothing of ours among them.
          : {
              header: (facts) =>
                logHeader({
                  ...facts,
                  job,
                  useCase,
                  narrowed: describeNarrowing(query),
                  downloadedAt: now,
                  by: request.by,
                }),
            }),
      },
      options,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Why a job failed is read while its log is fetched; nothing of it keeps the log from being delivered. */
function explainInTheMeantime(
  job: TrainingJob,
  log: LogSource,
  { now, signal }: { now: EpochMs; signal: AbortSignal | undefined },
): Promise<TrainingFailure | undefined> {
  return explainTraining(job, log, { now, ...(signal ? { signal } : {}) }).then(
    (failure) => (failure.guidance ? failure : undefined),
    () => undefined,
  );
}

/** When a log's last event was; undefined where that cannot be told. */
async function lastOf(
  log: LogSource,
  now: EpochMs,
  signal: AbortSignal | undefined,
): Promise<EpochMs | undefined> {
  try {
    return (await readLogEnds(log, { now, ...(signal ? { signal } : {}) })).at(-1)?.at;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** What a query leaves out, for the top of a file; empty when it leaves out nothing. */
function describeNarrowing(query: LogQuery): string {
  return [
    query.since === undefined ? '' : `from ${utcSecond(query.since)}`,
    query.until === undefined ? '' : `until ${utcSecond(query.until)}`,
    query.streams.length === 0 ? '' : `streams ${query.streams.join(', ')}`,
    query.match === undefined
      ? ''
      : `${query.match.kind === 'regex' ? 'lines that match' : 'lines with'} ${query.match.pattern}`,
    query.tail === undefined ? '' : `the last ${query.tail} lines`,
    query.form === 'plain' ? 'as a terminal shows it at the end' : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
