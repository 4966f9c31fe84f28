/** Running a training job again: the window behind Retry on its alert and Run again on its card and details. */

import { waitingView } from '../blocks/details-views.ts';
import { type JobRef, writeRef } from '../blocks/job-facts.ts';
import {
  HYPERPARAMETERS_ROOM,
  lineProblems,
  RUN_AGAIN_FIELDS,
  runAgainFailed,
  runAgainForm,
  runAgainStarted,
  runAgainStarting,
  runAgainTaken,
  tooManyHyperparameters,
} from '../blocks/run-again.ts';
import { code } from '../blocks/text.ts';
import { TRAIN } from '../blocks/train-ids.ts';
import { type Failed, isAbout } from '../domain/alert-retries.ts';
import type { AlertRetry } from '../domain/alerts.ts';
import { guidanceForTraining } from '../domain/failure-guidance.ts';
import { editableHyperparameters, readHyperparameters } from '../domain/hyperparameters.ts';
import { calledName, jobKey, nameOfJob, readJobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import { advisedRun } from '../domain/rerun-advice.ts';
import { rerunName, runNameProblem } from '../domain/training-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { type AppError, type ErrorCode, toAppError } from '../ground/errors.ts';
import { claimRetry, retryUnderWay } from '../operations/retry-claims.ts';
import { planRunAgain, runAgain } from '../operations/start-training.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context, OpenView } from './context.ts';
import { inView, refusedIn } from './in-view.ts';
import { metadataFor, permitted, readJobRef, readMetadata } from './job-access.ts';
import { isAdmin, type Services } from './services.ts';

const REFUSED = 'training.refused';

/** Answers after which it is not known whether it was started. */
const UNCLEAR = new Set<ErrorCode>(['unavailable', 'timeout', 'internal']);

/** What is in the fields. */
interface Written {
  name: string;
  type: string;
  count: string;
  hyperparameters: string;
}

export function runAgainActions(services: Services): Pick<Command, 'actions' | 'views'> {
  async function open(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readJobRef(value);
    // The window opens first: checking rights and asking AWS takes longer than its trigger is valid.
    const view = await context.openModal(
      waitingView(metadataFor(context), 'Run again', `Looking at ${code(ref.job)}`),
    );
    await inView(services, context, view, ref.job, runAgainFailed, async () => {
      const useCase = await allowed(context, view, ref);
      if (!useCase) return;
      const first = await retryUnderWay(services, useCase, failedOf(ref));
      if (first) return void (await showTaken(context, view, useCase, ref, first));
      await showForm(context, view, useCase, ref, services.clock.now());
    });
  }

  const showTaken = (
    context: Context,
    view: OpenView,
    useCase: UseCase,
    { job }: JobRef,
    retry: AlertRetry,
  ) => view.update(runAgainTaken(metadataFor(context), { useCase, job, retry }));

  /** The log's words are only in the alert. */
  async function adviceFor(useCase: UseCase, job: TrainingJob): Promise<string | undefined> {
    const alerts = await services.alerts.unresolved(useCase.id);
    const about = alerts.find((alert) => isAbout(alert, failedOf({ useCase: useCase.id, job: jobKey(job) })));
    return about?.advice?.id ?? guidanceForTraining(job)?.id;
  }

  /** Shows a refusal in the window. */
  const allowed = (
    context: Context,
    view: OpenView,
    { useCase, job }: JobRef,
  ): Promise<UseCase | undefined> =>
    permitted(
      services,
      context,
      useCase,
      { permission: 'train:start', action: REFUSED, subject: job },
      refusedIn(context, view),
    );

  /** @param again what was submitted and why nothing came of it: to be corrected and submitted again */
  async function showForm(
    context: Context,
    view: OpenView,
    useCase: UseCase,
    { job }: JobRef,
    askedAt: number,
    again?: { written: Written; error: AppError },
  ): Promise<boolean> {
    const plan = await planRunAgain(services, { actor: context.actor, useCase, job });
    const advised = advisedRun(await adviceFor(useCase, plan.job), plan.setup);
    const { machines } = advised;
    const metadata = metadataFor(context, {
      ref: writeRef({ useCase: useCase.id, job }),
      askedAt: String(askedAt),
    });
    const { written, error } = again ?? {};
    const asAdmin = error?.adminHint !== undefined && (await isAdmin(services, context, useCase));
    return view.update(
      runAgainForm(metadata, {
        ...plan,
        useCase,
        name: written?.name ?? rerunName(calledName(job), askedAt),
        machines: machines && {
          type: written?.type ?? machines.type,
          count: written?.count ?? String(machines.count),
        },
        hyperparameters:
          written?.hyperparameters ??
          editableHyperparameters(advised.hyperparameters, HYPERPARAMETERS_ROOM).text,
        // About what was filled into the fields; what somebody wrote there since is theirs.
        advised: written ? undefined : advised,
        error,
        asAdmin,
      }),
    );
  }

  async function submit(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const about = readMetadata(view.metadata);
    const ref = readJobRef(typeof about.ref === 'string' ? about.ref : '');
    const askedAt = Number(about.askedAt);
    const value = (field: string): string => view.values[field]?.[0]?.trim() ?? '';
    const written: Written = {
      name: value(RUN_AGAIN_FIELDS.name),
      type: value(RUN_AGAIN_FIELDS.type),
      count: value(RUN_AGAIN_FIELDS.count),
      hyperparameters: view.values[RUN_AGAIN_FIELDS.hyperparameters]?.[0] ?? '',
    };
    // Without these fields the machines are as they were.
    const machines = Object.hasOwn(view.values, RUN_AGAIN_FIELDS.type)
      ? { type: written.type, count: Number(written.count) }
      : undefined;
    const { values, problems } = readHyperparameters(written.hyperparameters);
    const errors = fieldErrors(ref, written, machines);
    if (problems.length > 0) errors[RUN_AGAIN_FIELDS.hyperparameters] = lineProblems(problems);
    else {
      const { provider } = readJobKey(ref.job);
      const tooMany = tooManyHyperparameters(provider, Object.keys(values).length);
      if (tooMany !== undefined) errors[RUN_AGAIN_FIELDS.hyperparameters] = tooMany;
    }
    if (Object.keys(errors).length > 0) return { errors };

    const opened = context.view!;
    return {
      update: runAgainStarting(metadataFor(context), written.name),
      after: () =>
        inView(services, context, opened, ref.job, runAgainFailed, async () => {
          const useCase = await allowed(context, opened, ref);
          if (!useCase) return;
          const as = jobKey({ provider: readJobKey(ref.job).provider, name: written.name });
          const first = await claimRetry(services, useCase, failedOf(ref), {
            as,
            by: context.actor,
          });
          if (first) return void (await showTaken(context, opened, useCase, ref, first));
          try {
            const report = await runAgain(services, {
              actor: context.actor,
              actorName: context.userName ?? context.actor.user,
              useCase,
              job: ref.job,
              name: written.name,
              hyperparameters: values,
              room: HYPERPARAMETERS_ROOM,
              ...(machines ? { machines } : {}),
              askedAt,
            });
            await services.alerts.renameRetry(useCase, as, jobKey(report.job));
            await opened.update(runAgainStarted(metadataFor(context), { ...report, useCase }));
          } catch (thrown) {
            const error = toAppError(thrown);
            context.log.info({ ref: error.ref, err: error, job: ref.job }, 'a training was not started');
            // Without a clear answer it may be running after all, so it keeps its claim until that is known.
            if (!UNCLEAR.has(error.code)) await services.alerts.endRetry(useCase, as, 'not started');
            // With what was written, so that a name or a type can be corrected; the same time, so that what was
            // started after all is known again.
            const shown = await showForm(context, opened, useCase, ref, askedAt, { written, error }).catch(
              () => false,
            );
            if (!shown) throw error;
          }
        }),
    };
  }

  return { actions: { [TRAIN.again]: open }, views: { [TRAIN.form]: submit } };
}

const failedOf = ({ job }: JobRef): Failed => ({ kind: 'training', job });

function fieldErrors(
  { job }: JobRef,
  { name, type, count }: Written,
  machines: object | undefined,
): Record<string, string> {
  const errors: Record<string, string> = {};
  const { provider } = readJobKey(job);
  const wrongName = runNameProblem(provider, name);
  if (wrongName !== undefined) errors[RUN_AGAIN_FIELDS.name] = wrongName;
  else if (name === nameOfJob(job))
    errors[RUN_AGAIN_FIELDS.name] =
      'That is the old run’s name. A name can be used once only, even after the job has ended.';
  if (!machines) return errors;
  const looksLike = PROVIDERS[provider].machines?.looksLike;
  if (type === '') errors[RUN_AGAIN_FIELDS.type] = 'Say which machine it should run on.';
  else if (looksLike && !looksLike.pattern.test(type))
    errors[RUN_AGAIN_FIELDS.type] = `Give ${looksLike.words}.`;
  if (!/^[1-9]\d{0,3}$/.test(count)) errors[RUN_AGAIN_FIELDS.count] = 'Give a whole number, 1 or more.';
  return errors;
}
