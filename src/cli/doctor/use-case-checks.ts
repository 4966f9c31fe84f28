/** The doctor's checks of a use case: its AWS account, if it has one, and every provider that it trains on. */
import type { TrainingJob } from '../../domain/jobs.ts';
import { TRAINING_LOG_GROUP } from '../../domain/log-groups.ts';
import { isSageMakers, onProvider, PROVIDERS } from '../../domain/providers.ts';
import { unsetVariables } from '../../domain/train-templates.ts';
import type { UseCase } from '../../domain/use-cases.ts';
import type { Actor } from '../../ground/actor.ts';
import { toAppError } from '../../ground/errors.ts';
import type { AwsAccounts } from '../../ports/aws-account.ts';
import type { LogSource } from '../../ports/log-source.ts';
import type { TrainingProvider } from '../../ports/training-provider.ts';
import type { UseCaseGateway } from '../../ports/use-case-session.ts';
import { checkAws } from './aws-checks.ts';
import { type Check, failure, type Subject, subject } from './checks.ts';
import { checkLogPlace } from './log-place-checks.ts';

/** A name that no job has. */
const NO_JOB = 'signalbox-doctor-looks-for-nothing';

interface Doors {
  gateway: UseCaseGateway;
  accounts: AwsAccounts;
  actor: Actor;
}

export async function checkUseCases(useCases: readonly UseCase[], doors: Doors): Promise<Check[]> {
  const checks = await Promise.all(useCases.map((useCase) => checkUseCase(useCase, doors)));
  return checks.flat();
}

async function checkUseCase(useCase: UseCase, doors: Doors): Promise<Check[]> {
  const about = subject(`use case ${useCase.id}`);
  const aws = await checkAws(useCase, about, doors.accounts, doors.actor);
  return [...aws.checks, ...(await checkTraining(useCase, about, doors, aws.open))];
}

async function checkTraining(
  useCase: UseCase,
  about: Subject,
  { gateway, actor }: Doors,
  awsIsOpen: boolean | undefined,
): Promise<Check[]> {
  const trainsOn = gateway.trainsOn(useCase);
  if (trainsOn.length === 0)
    return [
      about.failed(
        'training jobs',
        'this use case does not train anywhere',
        'Set where it trains in signalbox.yaml, for example `providers: { sagemaker: true }`.',
      ),
    ];
  // The account's failure has been reported, and SageMaker could only repeat it.
  const asked = trainsOn.filter((name) => !isSageMakers(name) || awsIsOpen !== false);
  if (asked.length === 0) return [];
  try {
    const { providers } = await gateway.open(useCase, actor, 'logs');
    const checks = providers
      .filter(({ name }) => asked.includes(name))
      .map((provider) => checkProvider(useCase, about, provider));
    return (await Promise.all(checks)).flat();
  } catch (error) {
    return [failure(about, 'training jobs', error)];
  }
}

async function checkProvider(useCase: UseCase, about: Subject, provider: TrainingProvider): Promise<Check[]> {
  if (PROVIDERS[provider.name].isKind) return [await checkKind(about, provider)];
  const newest = provider.jobs.list({ limit: 1 }).then(([job]) => job);
  newest.catch(() => undefined);
  const [logs, jobs, templates] = await Promise.all([
    checkLogs(useCase, about, provider, newest),
    checkJobs(about, provider, newest),
    checkTemplates(useCase, about, provider),
  ]);
  return [...logs, jobs, ...templates];
}

/** Those of `/train`: what each names has to be there. */
async function checkTemplates(
  { train }: UseCase,
  about: Subject,
  provider: TrainingProvider,
): Promise<Check[]> {
  const templates = train?.templates.filter((template) => template.provider === provider.name) ?? [];
  return await Promise.all(
    templates.map(async (template) => {
      const title = `template ${template.name}`;
      const unset = unsetVariables(template);
      if (unset.length > 0)
        return about.failed(
          title,
          `it names ${unset.join(', ')}, not set in the environment`,
          'Set it in the environment of the bot; until then /train refuses this template.',
        );
      try {
        const { parameters } = await provider.choices(template);
        const names = Object.keys(parameters);
        return about.ok(title, names.length === 0 ? 'can be started' : `asks for ${names.join(', ')}`);
      } catch (error) {
        return failure(about, title, error);
      }
    }),
  );
}

/** Reads something that does not exist: "not found" means that we may read. Then a line of a log that exists. */
async function checkLogs(
  useCase: UseCase,
  about: Subject,
  provider: TrainingProvider,
  newest: Promise<TrainingJob | undefined>,
): Promise<Check[]> {
  const title = `log access${onProvider(provider.name)}`;
  const source = provider.log(NO_JOB);
  const place = checkLogPlace(about, source);
  try {
    await source.listStreams().catch(unlessNotFound);
    await readLine(source, `${NO_JOB}/algo-1-0`);
    const job = await newest.catch(() => undefined);
    const log = job && provider.log(job.name);
    const [stream] = (await log?.listStreams().catch(unlessNotFound)) ?? [];
    if (log && stream) await readLine(log, stream.name);
    return [
      about.ok(title, `streams can be listed and read${job && stream ? `, as those of ${job.name}` : ''}`),
      ...(await place),
    ];
  } catch (error) {
    if (!(error instanceof NoLogGroup)) return [failure(about, title, error), ...(await place)];
    return [
      about.warning(
        title,
        `there is no log group ${TRAINING_LOG_GROUP} in ${useCase.aws?.account} ${useCase.aws?.region} yet`,
        'It appears with the first training job. If jobs have already run, check the account and the region.',
      ),
    ];
  }
}

/** One more kind of SageMaker's jobs: listed, looked at, and a line of the newest one's log read, where it has printed. */
async function checkKind(about: Subject, { name, jobs, getStatus, log }: TrainingProvider): Promise<Check> {
  const title = `${PROVIDERS[name].thing}s`;
  try {
    const [newest] = await jobs.list({ limit: 1 });
    await getStatus(newest?.name ?? NO_JOB);
    if (!newest) return about.ok(title, 'can be listed; there are none yet');
    const source = log(newest.name);
    const [stream] = (await source.listStreams().catch(unlessMissing)) ?? [];
    if (stream) await readLine(source, stream.name);
    const read = stream ? ', and its log can be read' : ', which has printed nothing';
    return about.ok(title, `can be listed; the newest is ${newest.name}${read}`);
  } catch (error) {
    const failed = failure(about, title, error);
    const advice = `Or leave them out of the use case's providers.sagemaker.kinds in signalbox.yaml.`;
    return { ...failed, fix: [failed.fix, advice].filter(Boolean).join('\n') };
  }
}

function unlessMissing(thrown: unknown): undefined {
  const error = toAppError(thrown);
  if (error.code !== 'not_found') throw error;
}

async function readLine(source: LogSource, stream: string): Promise<void> {
  for (const lane of [source, source.secondLane]) {
    const range = { direction: 'forward', from: 0, limit: 1 } as const;
    const page = await lane?.readPage({ stream, ...range, to: Date.now() }).catch(unlessNotFound);
    page?.release?.();
  }
}

class NoLogGroup extends Error {}

function unlessNotFound(thrown: unknown): undefined {
  const error = toAppError(thrown);
  if (error.code !== 'not_found') throw error;
  if (/log group does not exist/i.test(error.adminHint ?? '')) throw new NoLogGroup();
  return undefined;
}

async function checkJobs(
  about: Subject,
  { name: provider, getStatus }: TrainingProvider,
  listed: Promise<TrainingJob | undefined>,
): Promise<Check> {
  const title = `training jobs${onProvider(provider)}`;
  try {
    const newest = await listed;
    await getStatus(newest?.name ?? NO_JOB);
    return about.ok(
      title,
      newest ? `can be listed; the newest is ${newest.name}` : 'can be listed; there are none yet',
    );
  } catch (error) {
    return failure(about, title, error);
  }
}
