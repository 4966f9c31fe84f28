/** A compilation's log as a file, by the same way as a training job's. */
import { COMPILE } from '../blocks/compile-ids.ts';
import { compileLogDelivered, compileLogNone, retryButton } from '../blocks/compile-log.ts';
import { attemptRef } from '../blocks/job-facts.ts';
import { button } from '../blocks/text.ts';
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { downloadCompileLog } from '../operations/download-compile-log.ts';
import type { FirstLines } from '../operations/first-lines.ts';
import type { Context } from './context.ts';
import { deliverInMessage, type LogMessage } from './log-message.ts';
import type { Services } from './services.ts';

interface CompileLogTask {
  useCase: UseCase;
  attempt: CompilationAttempt;
}

/** The caller checks rights. @throws AppError for what went wrong before there was a message to tell it in */
export async function deliverCompileLog(
  services: Services,
  context: Context,
  task: CompileLogTask,
): Promise<void> {
  const { useCase, attempt } = task;
  const wanted = {
    name: attempt.compilationJob,
    useCases: [useCase],
    dm: false,
    sameAs: `compilation ${attempt.compilationJob}`,
    again: (label: string) => button(label, COMPILE.log, attemptRef(useCase.id, attempt)),
    next: ({ advice }: FirstLines) => (advice ? [retryButton(attempt)] : []),
  } as const;
  await deliverInMessage(services, context, wanted, (message) =>
    fetchAndSend({ ...task, services, context, message }),
  );
}

async function fetchAndSend(
  delivery: CompileLogTask & { services: Services; context: Context; message: LogMessage },
): Promise<void> {
  const { services, context, message, useCase, attempt } = delivery;
  const outcome = await downloadCompileLog(
    services,
    { actor: context.actor, useCase, attempt, partLimit: services.files.maxBytes },
    message.options,
  );
  const { download, loss } = outcome;
  const failure = outcome.failure && {
    guidance: outcome.failure.advice,
    reason: outcome.failure.reason,
    excerpt: outcome.failure.excerpt,
  };
  if (!download) return message.tell(compileLogNone(attempt, { failure, loss }));
  try {
    const { events, textBytes: bytes } = download.facts;
    await message.send(
      useCase,
      download.files,
      compileLogDelivered({ attempt, events, bytes, by: context.userName, failure, loss }),
    );
  } finally {
    await download.dispose();
  }
}
