/** The buttons and the menu of one target on a job's card: they act on the attempt that the card shows. */
import { anotherVersion } from '../blocks/another-version.ts';
import { historyView } from '../blocks/compilation-history.ts';
import { artifactLink as artifactLinkMessage, LINK_LIMIT } from '../blocks/compile.ts';
import { COMPILE } from '../blocks/compile-ids.ts';
import { compileStatusMessage } from '../blocks/compile-status.ts';
import { TARGET_VERBS } from '../blocks/job-card.ts';
import { code, plain, said } from '../blocks/text.ts';
import { attemptsOf, attemptThatCounts, type CompilationAttempt } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { artifactLink } from '../operations/artifact-link.ts';
import { retryCompilation } from '../operations/start-compilations.ts';
import { stopCompilation } from '../operations/stop-compilation.ts';
import type { ClickedAction, Command } from './command.ts';
import { deliverCompileLog } from './compile-log.ts';
import { compileStatusFacts } from './compile-status.ts';
import { openPackage } from './components.ts';
import type { Context } from './context.ts';
import { metadataFor, permitted, readJobRef } from './job-access.ts';
import type { Services } from './services.ts';

/** The action in the audit trail when somebody may not compile. */
export const COMPILE_REFUSED = 'compile.refused';

export function attemptActions(services: Services): NonNullable<Command['actions']> {
  /** The attempt that a button is about. Undefined: the person may not, and has been told. */
  async function clicked(
    context: Context,
    value: string,
    permission: 'compile:start' | 'artifacts:read' | 'logs:read',
  ): Promise<{ useCase: UseCase; attempt: CompilationAttempt } | undefined> {
    const ref = readJobRef(value);
    const useCase = await permitted(services, context, ref.useCase, {
      permission,
      action: permission === 'artifacts:read' ? 'artifact.refused' : COMPILE_REFUSED,
      subject: ref.job,
    });
    if (!useCase) return undefined;
    const target = ref.target ?? '';
    const all = await services.store.listAttempts({ useCase: useCase.id, job: ref.job });
    const tried = attemptsOf(all, { useCase: useCase.id, job: ref.job, target });
    const attempt = attemptThatCounts(tried);
    if (!attempt)
      throw new AppError('not_found', `${ref.job} was never compiled for ${target || 'this target'}.`, {
        hint: 'Start it with Compile… on its card.',
      });
    return { useCase, attempt };
  }

  async function retry(context: Context, { value }: ClickedAction): Promise<void> {
    const found = await clicked(context, value, 'compile:start');
    if (!found) return;
    const { useCase, attempt } = found;
    const report = await retryCompilation(services, {
      actor: context.actor,
      useCase,
      attempt: attempt.id,
    });
    await context.reply.privately(compileStatusMessage(await compileStatusFacts(services, useCase, report)));
  }

  async function stop(context: Context, { value }: ClickedAction): Promise<void> {
    const found = await clicked(context, value, 'compile:start');
    if (!found) return;
    const { outcome, attempt } = await stopCompilation(services, {
      actor: context.actor,
      useCase: found.useCase,
      attempt: found.attempt.id,
    });
    const what = `${code(attempt.job)} for *${plain(attempt.target, 60)}*`;
    await context.reply.privately(
      said(
        outcome === 'stopping'
          ? `:octagonal_sign: Stopping the compilation of ${what}. The card says when it has stopped.`
          : `The compilation of ${what} has ended already: there is nothing to stop.`,
      ),
    );
  }

  async function artifact(context: Context, { value }: ClickedAction): Promise<void> {
    const found = await clicked(context, value, 'artifacts:read');
    if (!found) return;
    const link = await artifactLink(services, {
      actor: context.actor,
      useCase: found.useCase,
      attempt: found.attempt.id,
    });
    if (link.url.length > LINK_LIMIT)
      throw new AppError(
        'unavailable',
        `The link has ${link.url.length} characters; Slack shows ${LINK_LIMIT}.`,
        {
          hint: 'Fetch the artifact with the AWS CLI: its S3 URI is on the card.',
        },
      );
    await context.reply.privately(
      artifactLinkMessage({
        job: link.attempt.job,
        target: link.attempt.target,
        url: link.url,
        fileName: link.fileName,
        expiresAt: link.expiresAt,
      }),
    );
  }

  async function log(context: Context, { value }: ClickedAction): Promise<void> {
    const found = await clicked(context, value, 'logs:read');
    if (found) await deliverCompileLog(services, context, found);
  }

  async function history(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readJobRef(value);
    const useCase = await permitted(services, context, ref.useCase, {
      permission: 'jobs:read',
      action: 'jobs.refused',
      subject: ref.job,
    });
    if (!useCase) return;
    const all = await services.store.listAttempts({ useCase: useCase.id, job: ref.job });
    await context.openModal(
      historyView(metadataFor(context), {
        job: ref.job,
        target: ref.target,
        useCase,
        attempts: ref.target === undefined ? all : all.filter(({ target }) => target === ref.target),
      }),
    );
  }

  /** A choice in the card's menu. The block's id says which job and target it is about. */
  async function more(context: Context, action: ClickedAction): Promise<void> {
    const about = { ...action, value: action.block };
    switch (action.value) {
      case TARGET_VERBS.artifact:
        return artifact(context, about);
      case TARGET_VERBS.package:
        return openPackage(services, context, about.value);
      case TARGET_VERBS.log:
        return log(context, about);
      case TARGET_VERBS.history:
        return history(context, about);
      default:
        throw anotherVersion('menu');
    }
  }

  return {
    [COMPILE.retry]: retry,
    [COMPILE.stop]: stop,
    [COMPILE.artifact]: artifact,
    [COMPILE.log]: log,
    [COMPILE.history]: history,
    [COMPILE.more]: more,
  };
}
