/**
 * One job's log as files on disk, recorded in the audit trail. The caller checks rights first: in Slack through the
 * person's roles, on the command line through the AWS credentials in use.
 */
import { guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey, readJobWord, thingMeant } from '../domain/job-keys.ts';
import { isFinished, keptAs, type TrainingJob } from '../domain/jobs.ts';
import { logFileName, logHeader, writerOf } from '../domain/log-files.ts';
import { type LogLoss, lossWithin } from '../domain/log-keeping.ts';
import type { LogQuery } from '../domain/log-order.ts';
import { utcSecond } from '../domain/log-times.ts';
import type { ProviderName } from '../domain/providers.ts';
import { looksAtTrainingAlone, type UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { LogDownload, LogDownloader, LogProgress } from '../logs/index.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { Store } from '../ports/store.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { explainTraining, type TrainingFailure } from './explain-failure.ts';
import { endedAs, FirstLinesAhead, type FirstLinesOf, type FirstLinesReader } from './first-lines.ts';
import { type LocatedLog, locateLog, type NearJob, nearestLogs } from './locate-log.ts';
import { readLogEnds } from './log-end.ts';
import { findLoss } from './log-loss.ts';

/** Milliseconds to wait for what is missing: it was asked for with the job, and must not hold the log up. */
const LOSS_BEFORE = 200;
const LOSS_AFTER = 300;

export interface DownloadDeps {
  gateway: UseCaseGateway;
  engine: LogDownloader;
  store: Pick<Store, 'appendAudit'>;
  clock: Clock;
}

export interface DownloadRequest {
  actor: Actor;
  /** The person's name, for readers of the file: `ada`. */
  by: string;
  /** The first one that has the job is used. */
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
  /** Left out: nobody looks at the end of the log before the whole is there. */
  firstLines?: FirstLinesReader | undefined;
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
      /** If the job failed or was stopped: everything known about why. */
      failure?: TrainingFailure | undefined;
      /** What is missing of what was asked for; of the whole log, if there was nothing. */
      loss?: LogLoss | undefined;
      /** If a time range had no events: when the log's last event was, whatever the range. */
      lastEventAt?: EpochMs | undefined;
    }
  | {
      kind: 'unknown_job';
      /** Where it was searched for. */
      useCases: readonly UseCase[];
      nearest: readonly NearJob[];
      /** Kinds of jobs that roles may not ask about, so that it may be one of those. */
      refused: readonly ProviderName[];
      /** What was looked for: "training job". */
      thing: string;
      /** Of SageMaker's jobs only training was looked at, though it may be of another kind. */
      trainingAlone: boolean;
    }
  /** Several providers of the use case have a job of this name. */
  | {
      kind: 'several_jobs';
      useCase: UseCase;
      /** Their keys. */
      jobs: readonly string[];
    }
  /** The job exists but has not printed anything (yet). */
  | {
      kind: 'no_log';
      job: TrainingJob;
      useCase: UseCase;
      sessionName: string;
      failure?: TrainingFailure | undefined;
      loss?: LogLoss | undefined;
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
  let subject = request.query.job;
  const record = (action: string, detail?: AuditRecord['detail']): Promise<void> =>
    deps.store.appendAudit({
      at: deps.clock.now(),
      actor: request.actor,
      action,
      useCase: useCase.id,
      subject,
      sessionName: session?.sessionName,
      detail,
    });

  try {
    const located = await locateLog(deps.gateway, request, options.signal);
    useCase = located.useCase;
    session = located.session;
    const { jobs, log, note } = located;
    const { sessionName } = session;
    const [job] = jobs;
    if (!job) {
      const nearest = await nearestLogs(located.searched, request.query.job, options.signal);
      await record('logs.unknown_job');
      const refused = [...new Set(located.searched.flatMap((one) => one.refused ?? []))];
      const trainsOn = request.useCases.flatMap((one) => deps.gateway.trainsOn(one));
      const thing = thingMeant(request.query.job, trainsOn);
      const { provider = 'sagemaker' } = readJobWord(request.query.job);
      const trainingAlone = provider === 'sagemaker' && request.useCases.some(looksAtTrainingAlone);
      return { kind: 'unknown_job', useCases: request.useCases, nearest, refused, thing, trainingAlone };
    }
    if (!log) {
      await record('logs.several_jobs');
      return { kind: 'several_jobs', useCase, jobs: jobs.map(jobKey) };
    }
    subject = jobKey(job);

    // Whoever looks at its end only; a fresh reading is fresh there too.
    const looked = { ...log, source: sourceOfEnd(deps.engine, log.source, job, request.query) };
    const end = endOfLog(log.source, { finished: isFinished(job), endedAt: job.endedAt, now });
    const to = Math.min(request.query.until ?? end, end);
    const why = explainInTheMeantime(job, looked, { now, signal: options.signal });
    const lossIn = (waitMs: number): Promise<LogLoss | undefined> =>
      findLoss(log.source, { begunAt: job.createdAt, endedAt: job.endedAt, now }, waitMs);
    const ahead = new FirstLinesAhead(
      { clock: deps.clock, record: (lines) => record('logs.lines_shown', { lines }) },
      firstLinesOf(request.query, { job, useCase, log: looked, to, why }, options),
    );
    const found = { job, useCase, log, now, to, loss: await lossIn(LOSS_BEFORE) };
    const download = await ahead.beside(
      (watched) => fetchLog(deps.engine, request, found, watched),
      options.onProgress,
    );
    const loss = found.loss ?? (await lossIn(LOSS_AFTER));
    if (!download) {
      await record('logs.none_yet');
      return { kind: 'no_log', job, useCase, sessionName, failure: await why, loss };
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
      ranged && download.facts.events === 0 ? await lastOf(looked.source, now, options.signal) : undefined;
    return {
      kind: 'done',
      download: note === undefined ? download : { ...download, notes: [note, ...download.notes] },
      ...{ job, useCase, sessionName, to, failure: await why, lastEventAt },
      loss: download.facts.events === 0 ? loss : lossWithin(loss, request.query),
    };
  } catch (error) {
    if (error instanceof CancelledError || options.signal?.aborted) {
      await record(endedAs(options.signal));
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

/** The original failure is reported first, then that it could not be recorded. */
function withoutRecord(failure: AppError, unrecorded: AppError): AppError {
  if (failure.message === unrecorded.message) return failure;
  return new AppError(failure.code, `${failure.message} Besides: ${unrecorded.message}`, {
    hint: [failure.hint, unrecorded.hint].filter(Boolean).join('\n'),
    adminHint: failure.adminHint,
    cause: failure,
  });
}

/**
 * Where a whole log's time range ends, exclusive. For a running job it is the time of the request, so that the download
 * ends. A job that has ended writes nothing more, so there is a margin: the clocks of this machine, the service and the
 * instances may differ without an event being left out.
 */
export function endOfLog(
  source: Pick<LogSource, 'aheadMs'>,
  run: { finished: boolean; endedAt: EpochMs | undefined; now: EpochMs },
): EpochMs {
  if (!run.finished) return run.now;
  return Math.max(run.now, run.endedAt ?? 0) + (source.aheadMs ?? 0);
}

const sourceOfEnd = (
  engine: Pick<LogDownloader, 'kept'>,
  source: LogSource,
  job: TrainingJob,
  { fresh }: Pick<LogQuery, 'fresh'>,
): LogSource => (fresh ? source : (engine.kept?.(source, keptAs(job).edition) ?? source));

async function fetchLog(
  engine: LogDownloader,
  request: DownloadRequest,
  found: {
    job: TrainingJob;
    useCase: UseCase;
    log: LocatedLog;
    now: number;
    to: number;
    loss: LogLoss | undefined;
  },
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
        keep: keptAs(job),
        fresh: query.fresh,
        ...(query.streams.length === 0 ? {} : { streams: query.streams }),
        tail: query.tail,
        match: query.match,
        form: query.form,
        fileName: logFileName(job.name, now, writerOf(job.provider)),
        gzipAbove: request.neverGzip ? Number.POSITIVE_INFINITY : useCase.logs.gzipAbove,
        partLimit: request.partLimit,
        out: request.out,
        ...(query.form === 'raw'
          ? {} // Bytes as printed, with nothing added.
          : {
              header: (facts) =>
                logHeader({
                  ...facts,
                  job,
                  useCase,
                  narrowed: describeNarrowing(query),
                  loss: lossWithin(found.loss, query),
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

/** Reads why a job failed while its log is fetched; a failure here never keeps the log from being delivered. */
function explainInTheMeantime(
  job: TrainingJob,
  { source, listing }: LocatedLog,
  { now, signal }: { now: EpochMs; signal: AbortSignal | undefined },
): Promise<TrainingFailure | undefined> {
  return explainTraining(job, source, { now, streams: listing, signal }).then(
    (failure) => (failure.guidance ? failure : undefined),
    () => undefined,
  );
}

function firstLinesOf(
  { since, streams, match, tail }: LogQuery,
  found: {
    job: TrainingJob;
    useCase: UseCase;
    log: LocatedLog;
    to: number;
    why: Promise<TrainingFailure | undefined>;
  },
  { firstLines, signal }: DownloadOptions,
): FirstLinesOf {
  const { job, useCase, log, to, why } = found;
  return {
    ...{ useCase, job, log, streams, signal, reader: firstLines },
    range: { from: since, to },
    narrowed: match !== undefined || tail !== undefined,
    failure: guidanceForTraining(job)
      ? why.then((failure) => failure && { advice: failure.guidance, excerpt: failure.excerpt })
      : undefined,
  };
}

/** When a log's last event was; undefined if unknown. */
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

/** What a query leaves out, for the top of a file; empty if nothing. */
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
