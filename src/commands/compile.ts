/** `/compile`: a completed training job's model, compiled for devices. */
import { createHash } from 'node:crypto';
import {
  artifactLink as artifactLinkMessage,
  COMPILE,
  COMPILE_FIELDS,
  type CompileStatusFacts,
  compileFailed,
  compileForm as compileFormView,
  compileStarting,
  compileStatusMessage,
  compileStatusView,
  compileUsage,
  LINK_LIMIT,
  type StartLine,
  WHICH_FIELD,
  whichJobForm,
} from '../blocks/compile.ts';
import { TARGET_VERBS } from '../blocks/job-card.ts';
import { historyView, waitingView } from '../blocks/job-details.ts';
import { type JobRef, writeRef } from '../blocks/job-facts.ts';
import { jobOption } from '../blocks/logs.ts';
import type { Message, Modal, Option } from '../blocks/message.ts';
import { code, plain, said } from '../blocks/text.ts';
import { may, permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { targetStates } from '../domain/compilation-states.ts';
import { attemptsOf, type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { type CompileCorrections, parseFrameworkVersion, parseInputShape } from '../domain/compile-input.ts';
import { parseCompileRequest } from '../domain/compile-request.ts';
import { asksForHelp } from '../domain/log-query.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { artifactLink } from '../operations/artifact-link.ts';
import { compileForm } from '../operations/compile-form.ts';
import { jobSnapshot } from '../operations/job-snapshots.ts';
import { retryCompilation, type StartReport, startCompilations } from '../operations/start-compilations.ts';
import { stopCompilation } from '../operations/stop-compilation.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import { deliverCompileLog } from './compile-log.ts';
import { openPackage } from './components.ts';
import type { Context, OpenView } from './context.ts';
import { canOpenModal, inView, refusedIn } from './in-view.ts';
import { metadataFor, openUseCases, ownerOf, permitted, readJobRef, readMetadata } from './job-access.ts';
import type { Services } from './services.ts';
import { followInView } from './view-turns.ts';

const REFUSED = 'compile.refused';

export function compileCommand(services: Services): Command {
  async function run(context: Context, text: string): Promise<void> {
    const words = commandWords(text);
    if (asksForHelp(words) && words.length > 0)
      return context.reply.privately(compileUsage(context.invocation));
    if (words.length === 0) return choose(context);
    const request = parseCompileRequest(words);
    if (request.targets.length === 0 && canOpenModal(context)) {
      // The window opens first: who may what, and what AWS says, takes longer than its trigger lives.
      const view = await context.openModal(
        waitingView(metadataFor(context), 'Compile a model', `Looking at ${code(request.job)}`),
      );
      return inView(services, context, view, request.job, compileFailed, async () => {
        const useCase = await findUseCaseFor(context, request.job, refusedIn(context, view));
        if (useCase) await fillForm(context, view, useCase, request.job, request.corrections);
      });
    }
    const useCase = await findUseCaseFor(context, request.job);
    if (!useCase) return;
    const targets = request.targets.length > 0 ? request.targets : (useCase.compile?.targets ?? []);
    const report = await startCompilations(services, {
      actor: context.actor,
      useCase,
      job: request.job,
      targets,
      why: 'manual',
      corrections: request.corrections,
    });
    await context.reply.privately(compileStatusMessage(await statusFacts(useCase, report)));
  }

  async function findUseCaseFor(
    context: Context,
    job: string,
    tell?: (message: Message) => Promise<void>,
  ): Promise<UseCase | undefined> {
    const question = { permission: 'compile:start', action: REFUSED, subject: job } as const;
    const candidates = await openUseCases(services, context, question, tell);
    return candidates.length === 0 ? undefined : ownerOf(services, context, candidates, job);
  }

  async function choose(context: Context): Promise<void> {
    if (!canOpenModal(context)) return context.reply.privately(compileUsage(context.invocation));
    await context.openModal(whichJobForm(metadataFor(context)));
  }

  async function suggest(context: Context, typed: string): Promise<Option[]> {
    const open = await permittedUseCases(
      context.actor.user,
      'compile:start',
      services.useCases,
      services.directory,
    );
    const found = await services.suggestions.suggest(context.actor, open, typed, 100);
    return found
      .filter(({ job }) => job.state === 'completed')
      .map(({ job, useCase }) => jobOption(job, useCase))
      .filter((option) => option !== undefined);
  }

  async function chosen(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const ref = readJobRef(view.values[WHICH_FIELD]?.[0] ?? '');
    return {
      update: waitingView(view.metadata, 'Compile a model', `Looking at ${code(ref.job)}`),
      after: () => openForm(context, context.view!, ref),
    };
  }

  /** A refusal is said in the window. */
  const mayCompile = (context: Context, view: OpenView, { useCase, job }: JobRef) =>
    permitted(
      services,
      context,
      useCase,
      { permission: 'compile:start', action: REFUSED, subject: job },
      refusedIn(context, view),
    );

  /** @param view shows that something is coming already */
  async function openForm(context: Context, view: OpenView, ref: JobRef): Promise<void> {
    await inView(services, context, view, ref.job, compileFailed, async () => {
      const useCase = await mayCompile(context, view, ref);
      if (useCase) await fillForm(context, view, useCase, ref.job);
    });
  }

  async function fillForm(
    context: Context,
    view: OpenView,
    useCase: UseCase,
    job: string,
    corrections: CompileCorrections = {},
  ): Promise<void> {
    const form = await compileForm(services, { actor: context.actor, useCase, job });
    const known = form.input.kind === 'known' ? form.input.input : form.input.known;
    const input: CompileCorrections = {
      ...(known.framework ? { framework: known.framework } : {}),
      ...(known.frameworkVersion ? { frameworkVersion: known.frameworkVersion } : {}),
      ...(known.dataInputConfig ? { dataInputConfig: known.dataInputConfig } : {}),
    };
    const given = Object.fromEntries(Object.keys(corrections).map((field) => [field, 'correction' as const]));
    const metadata = metadataFor(context, {
      ref: writeRef({ useCase: useCase.id, job }),
      // What stands in the fields already is no correction.
      framework: digest(input.framework),
      version: digest(input.frameworkVersion),
      shape: digest(input.dataInputConfig),
    });
    await view.update(
      compileFormView(metadata, {
        useCase,
        job: form.job,
        states: form.targets.map(({ state }) => state),
        descriptions: new Map(form.targets.map(({ target }) => [target.name, target.description])),
        before: new Map(
          form.targets.flatMap(({ target, before }) => (before ? [[target.name, before]] : [])),
        ),
        preselected: form.targets.filter((one) => one.preselected).map(({ target }) => target.name),
        usual: new Map(
          form.targets.flatMap(({ target, usualMs }) =>
            usualMs === undefined ? [] : [[target.name, usualMs]],
          ),
        ),
        input: { ...input, ...corrections },
        sources: { ...known.sources, ...given },
        problem: form.input.kind === 'missing' ? form.input.error.message : undefined,
        now: services.clock.now(),
      }),
    );
  }

  async function submit(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const about = readMetadata(view.metadata);
    const ref = readJobRef(typeof about.ref === 'string' ? about.ref : '');
    const targets = view.values[COMPILE_FIELDS.targets] ?? [];
    const { corrections, errors } = readCorrections(view, about);
    if (targets.length === 0) errors[COMPILE_FIELDS.targets] = 'Choose at least one target.';
    if (Object.keys(errors).length > 0) return { errors };
    const metadata = metadataFor(context);
    return {
      update: compileStarting(metadata, { job: ref.job, targets }),
      after: () =>
        inView(services, context, context.view!, ref.job, compileFailed, async () => {
          const useCase = await mayCompile(context, context.view!, ref);
          if (!useCase) return;
          const report = await startCompilations(services, {
            actor: context.actor,
            useCase,
            job: ref.job,
            targets,
            why: 'manual',
            corrections,
          });
          await showStatus(context, context.view!, useCase, report);
        }),
    };
  }

  /** The status view, and again on every change while the window is open. */
  async function showStatus(
    context: Context,
    view: OpenView,
    useCase: UseCase,
    report: StartReport,
  ): Promise<void> {
    const metadata = metadataFor(context);
    const draw = async (): Promise<{ picture: Modal; last: boolean }> => {
      const facts = await statusFacts(useCase, report);
      return {
        picture: compileStatusView(metadata, facts),
        last: facts.states.every(({ attempt }) => !attempt || !isLive(attempt)),
      };
    };
    const { picture } = await draw();
    if (!(await view.update(picture))) return;
    followInView(services.changes, view, {
      useCase: useCase.id,
      job: report.job.name,
      metadata,
      permitted: () => may(context.actor.user, 'jobs:read', useCase, services.directory),
      draw,
      onError: (error) => context.log.debug({ err: error }, 'the status view is no longer refreshed'),
    });
  }

  async function statusFacts(useCase: UseCase, report: StartReport): Promise<CompileStatusFacts> {
    const job = report.job.name;
    const snapshot = await jobSnapshot(services, useCase, job);
    const asked = report.results.map(({ target }) => target);
    const attempts = snapshot?.attempts ?? report.results.flatMap(({ attempt }) => attempt ?? []);
    return {
      useCase,
      job,
      states: targetStates(attempts, asked).filter(({ target }) => asked.includes(target)),
      starts: report.results.map(({ target, outcome, error }): StartLine => ({ target, outcome, error })),
      usual: new Map(
        (snapshot?.targets ?? []).flatMap(({ target, usualMs }) =>
          usualMs === undefined ? [] : [[target, usualMs]],
        ),
      ),
      now: services.clock.now(),
    };
  }

  // --- Buttons ---------------------------------------------------------------------------------------

  async function openClicked(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readJobRef(value);
    const view = await context.openModal(
      waitingView(metadataFor(context), 'Compile a model', `Looking at ${code(ref.job)}`),
    );
    await openForm(context, view, ref);
  }

  /** The newest attempt for what a button names, if the person may. */
  async function clicked(
    context: Context,
    value: string,
    permission: 'compile:start' | 'artifacts:read' | 'jobs:read' | 'logs:read',
  ): Promise<{ useCase: UseCase; attempt: CompilationAttempt } | undefined> {
    const ref = readJobRef(value);
    const useCase = await permitted(services, context, ref.useCase, {
      permission,
      action: permission === 'artifacts:read' ? 'artifact.refused' : REFUSED,
      subject: ref.job,
    });
    if (!useCase) return undefined;
    const target = ref.target ?? '';
    const all = await services.store.listAttempts({ useCase: useCase.id, job: ref.job });
    const tried = attemptsOf(all, { useCase: useCase.id, job: ref.job, target });
    // The one that counts: as the card shows it.
    const attempt = tried.find(isSuccessful) ?? tried.find(isLive) ?? tried.at(-1);
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
    await context.reply.privately(compileStatusMessage(await statusFacts(useCase, report)));
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
    if (found) await deliverCompileLog(services, context, found.useCase, found.attempt);
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

  /** A choice of the card's menu; what it is about stands in the block's id. */
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
        throw new AppError('invalid_input', 'This menu is from another version of Signalbox.', {
          hint: 'Ask again with the command.',
        });
    }
  }

  return {
    name: 'compile',
    description: 'Compile a completed training job’s model for devices',
    usage: '<job> [targets…] [--shape input=1x3x224x224]',
    run,
    actions: {
      [COMPILE.choose]: choose,
      [COMPILE.open]: openClicked,
      [COMPILE.retry]: retry,
      [COMPILE.stop]: stop,
      [COMPILE.artifact]: artifact,
      [COMPILE.log]: log,
      [COMPILE.history]: history,
      [COMPILE.more]: more,
    },
    views: { [COMPILE.which]: chosen, [COMPILE.form]: submit },
    options: { [COMPILE.job]: suggest },
  };
}

const digest = (value: string | undefined): string =>
  value ? createHash('sha256').update(value).digest('hex').slice(0, 12) : '';

function readCorrections(
  view: SubmittedView,
  about: Readonly<Record<string, unknown>>,
): { corrections: CompileCorrections; errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const corrections: CompileCorrections = {};
  const changed = (field: string): string | undefined => {
    const value = view.values[field]?.[0]?.trim() ?? '';
    return value === '' || digest(value) === about[field] ? undefined : value;
  };
  const framework = changed(COMPILE_FIELDS.framework);
  if (framework !== undefined) corrections.framework = framework;
  const read = (field: string, parse: (text: string) => string, keep: (value: string) => void): void => {
    const value = changed(field);
    if (value === undefined) return;
    try {
      keep(parse(value));
    } catch (error) {
      const { message, hint } = toAppError(error);
      errors[field] = `${message} ${hint ?? ''}`.trim();
    }
  };
  read(COMPILE_FIELDS.version, parseFrameworkVersion, (value) => {
    corrections.frameworkVersion = value;
  });
  read(COMPILE_FIELDS.shape, parseInputShape, (value) => {
    corrections.dataInputConfig = value;
  });
  return { corrections, errors };
}
