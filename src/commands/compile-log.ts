/** A compilation's log as a file: the same engine, line of downloads and messages as a training's. */

import { COMPILE } from '../blocks/compile-ids.ts';
import { compileLogDelivered, compileLogNone } from '../blocks/compile-log.ts';
import { errorMessage } from '../blocks/errors.ts';
import { refOf } from '../blocks/job-details.ts';
import {
  type LogStage,
  logsAlreadyRunning,
  logsInterrupted,
  logsPerhapsThere,
  logsProgress,
  logsSentDirectly,
} from '../blocks/logs.ts';
import type { LogFailure } from '../blocks/logs-result.ts';
import { button, code, plain, said } from '../blocks/text.ts';
import { type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { logFileName } from '../domain/log-files.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import { endOfLog } from '../operations/download-logs.ts';
import { adviceForAttempt, compilationFailure } from '../operations/explain-failure.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';
import type { Context } from './context.ts';
import type { Services } from './services.ts';
import { keepUnfinished, type Unfinished } from './unfinished.ts';

/** Rights are checked by the caller. @throws AppError for what went wrong before there was a message */
export async function deliverCompileLog(
  services: Services,
  context: Context,
  useCase: UseCase,
  attempt: CompilationAttempt,
): Promise<void> {
  const { compilationJob } = attempt;
  const direct =
    context.place.isDirect || !belongsTo(context.place.channel, useCase) || useCase.logs.delivery === 'dm';
  const key = JSON.stringify([
    useCase.id,
    'compilation',
    compilationJob,
    direct ? context.actor.user : context.place,
  ]);
  const same = (await services.downloads.sameAnywhere(key)) ?? services.downloads.same(key);
  if (same) return context.reply.privately(logsAlreadyRunning(compilationJob, same.startedAt, same.userName));
  const { ahead } = services.downloads;
  const request = { key, user: context.actor.user, userName: context.userName, useCases: [useCase.id] };
  let message: LiveMessage | undefined;
  let unfinished: Unfinished | undefined;
  try {
    await services.downloads.run(
      request,
      async ({ id, signal }) => {
        const show = (stage: LogStage): void =>
          message!.edit(logsProgress(compilationJob, context.userName, stage, id));
        await fetchAndSend(services, context, { useCase, attempt }, message!, unfinished!, show, signal);
      },
      async ({ id }) => {
        const stage: LogStage = ahead > 0 ? { kind: 'waiting', ahead } : { kind: 'opening' };
        const first = logsProgress(compilationJob, context.userName, stage, id);
        message = direct ? await context.reply.directly(first) : await context.reply.publicly(first);
        const again = button('Ask again', COMPILE.log, refOf(useCase.id, attempt));
        const interrupted = logsInterrupted(compilationJob, again);
        unfinished = await keepUnfinished(
          services,
          context.log,
          id,
          message,
          interrupted,
          services.downloads.onRecord(request),
        );
        if (direct && !context.place.isDirect)
          await context.reply.privately(logsSentDirectly(compilationJob, ''));
      },
    );
  } catch (thrown) {
    if (!message) throw thrown;
    if (thrown instanceof CancelledError)
      await message.finish(
        said(
          `:octagonal_sign: *Cancelled:* the log of ${code(compilationJob)}\n${plain(thrown.message, 300)}`,
        ),
      );
    else {
      const error = toAppError(thrown);
      context.log.warn({ ref: error.ref, err: error, compilationJob }, 'the compile log could not be sent');
      await message.finish(errorMessage(error));
    }
  }
  await unfinished?.over();
}

async function fetchAndSend(
  services: Services,
  context: Context,
  { useCase, attempt }: { useCase: UseCase; attempt: CompilationAttempt },
  message: LiveMessage,
  unfinished: Unfinished,
  show: (stage: LogStage) => void,
  signal: AbortSignal,
): Promise<void> {
  const now = services.clock.now();
  const session = await services.gateway.open(useCase, context.actor, 'logs');
  const source = session.compilationLog(attempt.compilationJob);
  const why = explained(services, context, useCase, attempt, signal);
  let download: Awaited<ReturnType<Services['engine']['download']>>;
  try {
    download = await services.engine.download(
      {
        source,
        to: endOfLog(source, { finished: !isLive(attempt), endedAt: attempt.endedAt, now }),
        form: 'lines',
        fileName: logFileName(attempt.compilationJob, now).replace(/^training-/, 'compile-'),
        gzipAbove: useCase.logs.gzipAbove,
        partLimit: services.files.maxBytes,
      },
      {
        signal,
        onProgress: (progress) =>
          show(
            progress.phase === 'writing'
              ? { kind: 'writing', ...progress }
              : { kind: 'fetching', ...progress },
          ),
      },
    );
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'not_found')) throw error;
    return message.finish(compileLogNone(attempt, await why));
  }
  try {
    if (download.files.length === 0) return await message.finish(compileLogNone(attempt, await why));
    await services.store.appendAudit({
      at: services.clock.now(),
      actor: context.actor,
      action: 'logs.downloaded',
      useCase: useCase.id,
      subject: attempt.compilationJob,
      sessionName: session.sessionName,
      detail: { events: download.facts.events, bytes: download.facts.textBytes, kind: 'compilation' },
    });
    const delivered = compileLogDelivered({
      attempt,
      events: download.facts.events,
      bytes: download.facts.textBytes,
      by: context.userName,
      failure: await why,
    });
    const bytes = download.files.reduce((sum, file) => sum + file.bytes, 0);
    const { shared } = await services.files.deliver(
      {
        files: download.files.map(({ path, name, bytes: size }) => ({
          path,
          name,
          title: name,
          bytes: size,
        })),
        channel: message.channel,
        thread: message.thread,
        comment: delivered.text,
        blocks: delivered.blocks,
      },
      {
        signal,
        onProgress: (sent) => show({ kind: 'uploading', bytes, fraction: bytes === 0 ? 1 : sent / bytes }),
        onSharing: (ids) => {
          const again = button('Ask again', COMPILE.log, refOf(useCase.id, attempt));
          return unfinished.sharing(ids, logsPerhapsThere(attempt.compilationJob, again));
        },
      },
    );
    await unfinished.onlyToRemove();
    if (await shared) await message.remove();
    else
      await message.finish(
        said(
          `:white_check_mark: The log of ${code(attempt.compilationJob)} is uploaded. Slack shows it in a moment.`,
        ),
      );
  } finally {
    await download.dispose();
  }
}

/** Why it failed, read while its log is fetched; nothing of it keeps the log from being delivered. */
async function explained(
  services: Services,
  context: Context,
  useCase: UseCase,
  attempt: CompilationAttempt,
  signal: AbortSignal,
): Promise<LogFailure | undefined> {
  if (isLive(attempt) || isSuccessful(attempt)) return undefined;
  try {
    const asked = { actor: context.actor, useCase, attempt: attempt.id };
    const { advice, reason, excerpt } = await compilationFailure(services, asked, { signal });
    return { guidance: advice, reason, excerpt };
  } catch (error) {
    context.log.info({ err: error }, 'why a compilation failed could not be looked up');
    return { guidance: adviceForAttempt(attempt) };
  }
}
