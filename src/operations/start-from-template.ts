/**
 * Starts a training run from one of the use case's templates. The caller checks rights first. As with a run that repeats
 * another (start-training.ts), its name is the claim: however often a form is submitted, one run is started.
 */
import { randomUUID } from 'node:crypto';
import type { RunStart } from '../domain/job-records.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import { providerWord } from '../domain/providers.ts';
import {
  missingVariables,
  readTemplateValues,
  type TrainTemplate,
  unsetVariables,
} from '../domain/train-templates.ts';
import { checkRunName } from '../domain/training-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { TemplateChoices, TemplateOrder, TrainingProvider } from '../ports/training-provider.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import type { JobDeps } from './job-deps.ts';
import { providerNamed } from './job-places.ts';
import { observeJob } from './observe-jobs.ts';

/** @throws AppError not_found with the nearest names: it was taken out, or never was one */
export function templateNamed(
  { name, train }: Pick<UseCase, 'name' | 'train'>,
  wanted: string,
): TrainTemplate {
  const templates = train?.templates ?? [];
  const found = templates.find((one) => one.name === wanted);
  if (found) return found;
  const names = templates.map((one) => one.name);
  const near = nearestNames(wanted, names, 3);
  throw new AppError('not_found', `${name} has no template ${JSON.stringify(wanted.slice(0, 80))}.`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : names.length > 0
          ? `It has ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` … ${names.length - 10} more` : ''}.`
          : 'An admin of Signalbox adds templates in signalbox.yaml.',
  });
}

/**
 * What people choose when they start a template.
 * @throws AppError as `TrainingProvider.choices` and the gateway
 */
export async function templateChoices(
  deps: Pick<JobDeps, 'gateway'>,
  { actor, useCase, template }: { actor: Actor; useCase: UseCase; template: TrainTemplate },
  signal?: AbortSignal,
): Promise<TemplateChoices> {
  const session = await deps.gateway.open(useCase, actor, 'train');
  return await providerNamed(session, template.provider).choices(template, signal);
}

export interface TemplateRequest {
  actor: Actor;
  /** For texts where a mention would ping. */
  actorName: string;
  useCase: UseCase;
  /** Its name. */
  template: string;
  /** Of the new run. */
  name: string;
  /** As written; what is left out or empty is the default. */
  written: Readonly<Record<string, string>>;
  /** Left out: the template's first. */
  machine?: string | undefined;
  /** When the form was opened. */
  askedAt: EpochMs;
}

export interface TemplateReport {
  job: TrainingJob;
  start: RunStart;
  /** Somebody had started it already, perhaps with an earlier click. */
  already: boolean;
  sessionName: string;
}

/** @throws AppError as `templateNamed` and the provider's `deploy`; invalid_input naming every value that is wrong */
export async function startFromTemplate(
  deps: JobDeps,
  request: TemplateRequest,
  options: { signal?: AbortSignal } = {},
): Promise<TemplateReport> {
  const { actor, useCase, name } = request;
  let session: UseCaseSession | undefined;
  let provider: TrainingProvider;
  let order: TemplateOrder;
  let started: string;
  try {
    const template = templateNamed(useCase, request.template);
    checkRunName(template.provider, name);
    const unset = unsetVariables(template);
    if (unset.length > 0) throw missingVariables(template, unset);
    session = await deps.gateway.open(useCase, actor, 'train');
    provider = providerNamed(session, template.provider);
    order = orderOf(request, template, await provider.choices(template, options.signal));
    started = await provider.deploy(order, options.signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    await deps.store.appendAudit({
      ...{ at: deps.clock.now(), actor, action: 'training.not_started', useCase: useCase.id },
      ...{ subject: name, sessionName: session?.sessionName },
      detail: { template: request.template, code: error.code, ref: error.ref },
    });
    throw error;
  }
  return await record(deps, session, provider, request, order, started);
}

function orderOf(
  { name, written, machine, askedAt }: TemplateRequest,
  template: TrainTemplate,
  { parameters, machines }: TemplateChoices,
): TemplateOrder {
  const { values, problems } = readTemplateValues(template, parameters, written);
  const wrong = Object.entries(problems).map(([key, expected]) => `${key}: expected ${expected}.`);
  for (const key of Object.keys(written))
    if (!Object.hasOwn(parameters, key)) {
      const [near] = nearestNames(key, Object.keys(parameters), 1);
      wrong.push(
        `There is no parameter ${JSON.stringify(key.slice(0, 60))}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
  if (wrong.length > 0)
    throw new AppError(
      'invalid_input',
      `${template.name} cannot be started: ${wrong.slice(0, 20).join(' ')}`,
      {
        hint: 'Correct the values and submit them again.',
      },
    );
  const chosen = machine ?? machines[0];
  if (chosen !== undefined && !machines.includes(chosen))
    throw new AppError('invalid_input', `${template.name} does not run on ${chosen.slice(0, 80)}.`, {
      hint: machines.length > 0 ? `It allows ${machines.join(', ')}.` : 'It chooses its machine itself.',
    });
  return {
    ...{ kind: 'template', name, template, values, askedAt },
    ...(chosen === undefined ? {} : { machine: chosen }),
  };
}

/**
 * The run has started. If the store fails here, submitting again finds the run and records it.
 * @param name the job's, which a provider makes of the one that was asked for
 */
async function record(
  deps: JobDeps,
  session: UseCaseSession,
  provider: TrainingProvider,
  { actor, actorName, useCase }: TemplateRequest,
  order: TemplateOrder,
  name: string,
): Promise<TemplateReport> {
  const { store, clock } = deps;
  const at = clock.now();
  const { template, values, machine } = order;
  const mine: RunStart = { template: template.name, mark: randomUUID(), by: actor, byName: actorName, at };
  const fresh: TrainingJob = {
    ...{ name, useCase: useCase.id, provider: provider.name, ...provider.begins, createdAt: at },
    hyperparameters: values,
    ...(machine === undefined ? {} : { instanceType: machine, instanceCount: 1 }),
  };
  // It gives no answer just now; the next check tells the rest.
  const job = (await provider.getStatus(name).catch(() => undefined)) ?? fresh;
  const known = await observeJob(deps, useCase, { job, at, announce: true, start: mine });
  const start = known.start ?? mine;
  // The second of two clicks finds it started, and starts nothing.
  const already = start.mark !== mine.mark;
  await store.appendAudit({
    ...{ at, actor, action: already ? 'training.already_started' : 'training.started' },
    ...{ useCase: useCase.id, subject: name, sessionName: session.sessionName },
    detail: {
      template: template.name,
      provider: provider.name,
      ...(machine === undefined ? {} : { machine }),
      values: maskSecrets(
        Object.entries(values)
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
      ).slice(0, 1000),
    },
  });
  return { job: known.job, start, already, sessionName: session.sessionName };
}

/** @throws AppError invalid_input: no such provider here, or no template that it runs */
export function templatesOn(
  useCase: UseCase,
  provider: TrainTemplate['provider'] | undefined,
): TrainTemplate[] {
  const all = useCase.train?.templates ?? [];
  const found = all.filter((one) => provider === undefined || one.provider === provider);
  if (provider === undefined || found.length > 0) return found;
  throw new AppError('not_found', `${useCase.name} has no template for ${providerWord(provider)}.`, {
    hint:
      all.length > 0
        ? `It has ${all
            .map((one) => `${one.provider} ${one.name}`)
            .slice(0, 10)
            .join(', ')}.`
        : 'An admin of Signalbox adds templates in signalbox.yaml.',
  });
}
