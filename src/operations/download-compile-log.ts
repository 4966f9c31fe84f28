/** One compilation's log as files on disk, recorded in the audit trail. The caller checks rights first. */
import { type CompilationAttempt, isLive } from '../domain/compilations.ts';
import { logFileName } from '../domain/log-files.ts';
import type { LogLoss } from '../domain/log-keeping.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { LogDownload } from '../logs/index.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import { type DownloadDeps, type DownloadOptions, endOfLog } from './download-logs.ts';
import { adviceForAttempt, type CompilationFailure, explainCompilation } from './explain-failure.ts';
import { endedAs, FirstLinesAhead } from './first-lines.ts';
import type { JobDeps } from './job-deps.ts';
import { askForLoss, findLoss } from './log-loss.ts';

export interface CompileLogRequest {
  actor: Actor;
  useCase: UseCase;
  attempt: CompilationAttempt;
  /** Bytes; no file becomes larger. */
  partLimit?: number | undefined;
}

export interface CompileLogOutcome {
  /** Left out: the compilation has not printed anything (yet). */
  download?: LogDownload | undefined;
  /** If it failed or was stopped: everything known about why. */
  failure?: Pick<CompilationFailure, 'advice' | 'reason' | 'excerpt'> | undefined;
  /** What is missing in the log. */
  loss?: LogLoss | undefined;
}

/** Milliseconds; it was asked for before the log was fetched. */
const LOSS_WAIT = 300;

/**
 * @throws AppError as the gateway and the engine; CancelledError. The record of a download is durable before its files
 *   are handed over.
 */
export async function downloadCompileLog(
  deps: DownloadDeps & JobDeps,
  request: CompileLogRequest,
  options: DownloadOptions,
): Promise<CompileLogOutcome> {
  const { actor, useCase, attempt, partLimit } = request;
  const now = deps.clock.now();
  const session = await deps.gateway.open(useCase, actor, 'logs');
  const source = session.compilationLog(attempt.compilationJob);
  askForLoss(source);
  const loss = (): Promise<LogLoss | undefined> =>
    findLoss(source, { begunAt: attempt.askedAt, endedAt: attempt.endedAt, now }, LOSS_WAIT);
  const looked = deps.engine.kept?.(source, attempt.id) ?? source;
  // Read while the log is fetched; the log is delivered even if this fails.
  const advice = adviceForAttempt(attempt);
  const why: Promise<CompileLogOutcome['failure']> = advice
    ? explainCompilation(attempt, () => looked, { now, signal: options.signal }).catch(() => ({ advice }))
    : Promise.resolve(undefined);
  const to = endOfLog(source, { finished: !isLive(attempt), endedAt: attempt.endedAt, now });
  const record = (action: string, detail: AuditRecord['detail'] = {}): Promise<void> =>
    deps.store.appendAudit({
      at: deps.clock.now(),
      actor,
      action,
      useCase: useCase.id,
      subject: attempt.compilationJob,
      sessionName: session.sessionName,
      detail: { ...detail, kind: 'compilation' },
    });
  const ahead = new FirstLinesAhead(
    { clock: deps.clock, record: (lines) => record('logs.lines_shown', { lines }) },
    {
      ...{
        useCase,
        log: { source: looked },
        range: { to },
        signal: options.signal,
        reader: options.firstLines,
      },
      failure: advice && why,
    },
  );
  let download: LogDownload;
  try {
    download = await ahead.beside(
      (watched) =>
        deps.engine.download(
          {
            ...{ source, to, partLimit, gzipAbove: useCase.logs.gzipAbove },
            keep: { edition: attempt.id, endedAt: isLive(attempt) ? undefined : attempt.endedAt },
            form: 'lines',
            fileName: logFileName(attempt.compilationJob, now, 'compile'),
          },
          watched,
        ),
      options.onProgress,
    );
  } catch (error) {
    if (error instanceof CancelledError || options.signal?.aborted) await record(endedAs(options.signal));
    if (!(error instanceof AppError && error.code === 'not_found')) throw error;
    return { failure: await why, loss: await loss() };
  }
  try {
    if (download.files.length === 0) {
      await download.dispose();
      return { failure: await why, loss: await loss() };
    }
    const { events, textBytes: bytes } = download.facts;
    await record('logs.downloaded', { events, bytes });
    return { download, failure: await why, loss: await loss() };
  } catch (error) {
    await download.dispose();
    throw error;
  }
}
