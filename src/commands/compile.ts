/** `/compile`: a completed training job's model, compiled for devices. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readButtonJson } from '../blocks/another-version.ts';
import { compileUsage, WHICH_FIELD, whichJobForm } from '../blocks/compile.ts';
import { COMPILE_FIELDS, compileForm as compileFormView } from '../blocks/compile-form.ts';
import { COMPILE } from '../blocks/compile-ids.ts';
import { compileFailed, compileStarting, compileStatusMessage } from '../blocks/compile-status.ts';
import { messageView, waitingView } from '../blocks/details-views.ts';
import { type JobRef, writeRef } from '../blocks/job-facts.ts';
import { jobOption } from '../blocks/logs.ts';
import type { Message, Option } from '../blocks/message.ts';
import { button, code } from '../blocks/text.ts';
import { providerOf, whichProvider } from '../blocks/which-provider.ts';
import { permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { type CompileCorrections, parseFrameworkVersion, parseInputShape } from '../domain/compile-input.ts';
import { parseCompileRequest, withCompiledJob } from '../domain/compile-request.ts';
import { exactWord, readJobKey } from '../domain/job-keys.ts';
import { leavesModel } from '../domain/jobs.ts';
import { asksForHelp } from '../domain/log-query.ts';
import { isCompiledFrom } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { toAppError } from '../ground/errors.ts';
import { compileForm } from '../operations/compile-form.ts';
import { startCompilations } from '../operations/start-compilations.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import { attemptActions, COMPILE_REFUSED } from './compile-attempts.ts';
import { compileStatusFacts, showCompileStatus } from './compile-status.ts';
import type { Context, OpenView } from './context.ts';
import { canOpenModal, inView, refusedIn } from './in-view.ts';
import { metadataFor, openUseCases, ownerOf, permitted, readJobRef, readMetadata } from './job-access.ts';
import type { Services } from './services.ts';

/** On the buttons of a question which job is meant: the use case, and the command's words for that one. */
const MEANT = z.array(z.string()).min(2);

export function compileCommand(services: Services): Command {
  async function run(context: Context, text: string): Promise<void> {
    const words = commandWords(text);
    if (asksForHelp(words) && words.length > 0)
      return context.reply.privately(compileUsage(context.invocation));
    return compile(context, words);
  }

  /** @param among the use case if it is already known; left out: taken from the place */
  async function compile(context: Context, words: readonly string[], among?: string): Promise<void> {
    if (words.length === 0) return choose(context);
    const request = parseCompileRequest(words);
    if (request.targets.length === 0 && canOpenModal(context)) {
      // The window opens first: checking permissions and asking AWS takes longer than its trigger is valid.
      const view = await context.openModal(
        waitingView(metadataFor(context), 'Compile a model', `Looking at ${code(request.job)}`),
      );
      return inView(services, context, view, request.job, compileFailed, async () => {
        const found = await findJobFor(context, request.job, among, refusedIn(context, view));
        if (!found) return;
        const { useCase, jobs } = found;
        if (jobs.length === 1) return fillForm(context, view, useCase, jobs[0], request.corrections);
        const question = whichProvider(request.job, jobs, choices(useCase, words, request.job, jobs));
        await view.update(messageView(metadataFor(context), 'Which job?', question));
      });
    }
    const found = await findJobFor(context, request.job, among);
    if (!found) return;
    const { useCase, jobs } = found;
    if (jobs.length > 1)
      return context.reply.privately(
        whichProvider(request.job, jobs, choices(useCase, words, request.job, jobs)),
      );
    const targets = request.targets.length > 0 ? request.targets : (useCase.compile?.targets ?? []);
    const report = await startCompilations(services, {
      actor: context.actor,
      useCase,
      job: jobs[0],
      targets,
      why: 'manual',
      corrections: request.corrections,
    });
    await context.reply.privately(compileStatusMessage(await compileStatusFacts(services, useCase, report)));
  }

  /** The same command again, once for each job that it may mean. */
  function choices(useCase: UseCase, words: readonly string[], asked: string, jobs: readonly string[]) {
    return jobs.map((key, index) => {
      const again = JSON.stringify([useCase.id, ...withCompiledJob(words, asked, exactWord(key))]);
      return button(providerOf(key, jobs), `${COMPILE.meant}:${index}`, again);
    });
  }

  async function findJobFor(
    context: Context,
    job: string,
    among: string | undefined,
    tell?: (message: Message) => Promise<void>,
  ): Promise<{ useCase: UseCase; jobs: readonly [string, ...string[]] } | undefined> {
    const question = { permission: 'compile:start', action: COMPILE_REFUSED, subject: job } as const;
    const candidates =
      among === undefined
        ? await openUseCases(services, context, question, tell)
        : [await permitted(services, context, among, question, tell)].filter((one) => one !== undefined);
    if (candidates.length === 0) return undefined;
    const { useCase, jobs } = await ownerOf(services, context, candidates, job);
    const [one, ...others] = jobs.filter((key) => isCompiledFrom(readJobKey(key).provider));
    return { useCase, jobs: one === undefined ? jobs : [one, ...others] };
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
      .filter(({ job }) => leavesModel(job))
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

  /** Shows a refusal in the window. */
  const mayCompile = (context: Context, view: OpenView, { useCase, job }: JobRef) =>
    permitted(
      services,
      context,
      useCase,
      { permission: 'compile:start', action: COMPILE_REFUSED, subject: job },
      refusedIn(context, view),
    );

  /** @param view already says that something is coming */
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
      // Only what differs from these is a correction.
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
          await showCompileStatus(services, context, context.view!, useCase, report);
        }),
    };
  }

  async function meant(context: Context, { value }: ClickedAction): Promise<void> {
    const [useCase, ...words] = readButtonJson(value, MEANT);
    await compile(context, words, useCase);
  }

  async function openClicked(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readJobRef(value);
    const view = await context.openModal(
      waitingView(metadataFor(context), 'Compile a model', `Looking at ${code(ref.job)}`),
    );
    await openForm(context, view, ref);
  }

  return {
    name: 'compile',
    description: 'Compile a completed training job’s model for devices',
    usage: '<job> [targets…] [--shape input=1x3x224x224]',
    run,
    actions: {
      [COMPILE.choose]: choose,
      [COMPILE.open]: openClicked,
      [COMPILE.meant]: meant,
      ...attemptActions(services),
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
