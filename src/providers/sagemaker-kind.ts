/** A kind of SageMaker's jobs as a list of jobs that can be looked at, read and stopped; nothing is started there. */
import type * as Sdk from '@aws-sdk/client-sagemaker';
import { kindLogUrl, kindPageUrl } from '../domain/console-links.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import { kindState, logGroupOf, SAGEMAKER_KINDS } from '../domain/sagemaker-kinds.ts';
import { isTrainingName } from '../domain/training-names.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import { paged } from '../ground/paged.ts';
import type { AwsAccount } from '../ports/aws-account.ts';
import type { LogEngine } from '../ports/log-engine.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { JobLinks, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import type { Ask, KindRow, LogFinder, Seen } from './sagemaker-kinds/row.ts';
import { stopOnce } from './stop-once.ts';
import { textLog } from './text-log.ts';

/** Rule of NameContains. */
const NAME_PART = /^[a-zA-Z0-9-]{1,63}$/;
/** The lists' own limit of a page. */
const PAGE = 100;

export function sageMakerKind(row: KindRow): ProviderEntry {
  const { name } = row;
  return {
    name,
    trains: (useCase) => sageMakerNames(useCase).includes(name),
    links: (useCase, job) => links(row, useCase, job),
    open: ({ aws, engine }) => openKind(row, aws(), engine),
  };
}

function links({ name }: KindRow, useCase: UseCase, job: string): JobLinks {
  const toPage = (url: typeof kindPageUrl): string | undefined =>
    useCase.aws && url(name, useCase.aws.region, job);
  return { site: 'AWS', job: toPage(kindPageUrl), log: toPage(kindLogUrl) };
}

function openKind(row: KindRow, account: AwsAccount, engine: LogEngine): TrainingProvider {
  const { name: provider } = row;
  const { thing } = PROVIDERS[provider];
  const { actions, streams } = SAGEMAKER_KINDS[provider];
  const isName = row.isName ?? isTrainingName;

  const ask = async <T>(
    about: { operation: string; actions: readonly string[] },
    run: (ask: Ask) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const { sdk, client } = await sageMakerOf(account);
    const how = signal ? { abortSignal: signal } : {};
    return account.call(
      { operation: about.operation, actions: about.actions.map((one) => `sagemaker:${one}`) },
      () => run({ sdk, client, account, how }),
    );
  };
  const jobOf = ({ status, secondaryStatus, ...seen }: Seen): TrainingJob => ({
    ...{ ...seen, useCase: account.useCase.id, provider },
    ...kindState(provider, status, secondaryStatus),
  });

  const getStatus: TrainingProvider['getStatus'] = async (name, signal) => {
    // Anything else is not a job, so AWS need not be asked.
    if (!isName(name)) return undefined;
    try {
      const seen = await ask(
        { operation: `find the ${thing} ${name}`, actions: actions.look },
        (one) => row.look(one, name),
        signal,
      );
      return seen && jobOf(seen);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  };

  const jobs: TrainingProvider['jobs'] = {
    async list({ nameContains, limit, sparing = false }, signal) {
      if (nameContains !== undefined && nameContains !== '' && !NAME_PART.test(nameContains)) return [];
      const found: Seen[] = [];
      const query = {
        MaxResults: Math.min(PAGE, limit),
        ...(nameContains ? { NameContains: nameContains } : {}),
      };
      const pages = paged((NextToken) =>
        ask(
          { operation: `list the ${thing}s`, actions: actions.list },
          (one) => row.page(one, { ...query, NextToken }, sparing),
          signal,
        ),
      );
      for await (const page of pages) {
        found.push(...page.jobs);
        if (found.length >= limit) break;
      }
      return found.slice(0, limit).map(jobOf);
    },
    // They tell nothing that is shown of these, and reading them is a right of its own.
    tags: async () => ({}),
  };

  const cannot = (what: string, hint: string) => async (): Promise<never> => {
    throw new AppError('invalid_input', `A ${thing} cannot be ${what} from here.`, { hint });
  };
  const start = cannot(
    'started',
    'Start it where it was started before: only training jobs are run again here.',
  );
  const finder: LogFinder = {
    ask: (operation, run, signal) => ask({ operation, actions: actions.look }, run, signal),
  };
  const log = (job: string): LogSource => {
    if (row.log) return row.log(account, job, finder);
    const which = streams === 'group' ? { prefix: '' } : { ownStream: streams === 'own' };
    return account.log(logGroupOf(provider, job), job, which);
  };
  return {
    name: provider,
    begins: kindState(provider, 'InProgress'),
    jobs,
    getStatus,
    choices: start,
    setup: start,
    deploy: start,
    cancel: row.stop
      ? stopOnce({
          stop: (job, signal) =>
            ask(
              { operation: `stop the ${thing} ${job}`, actions: actions.stop },
              (one) => row.stop!(one, job),
              signal,
            ),
          getStatus,
          missing: (job) =>
            new AppError('not_found', `There is no ${thing} ${job}.`, { hint: 'It was deleted.' }),
        })
      : cannot('stopped', 'Others may be using it. Stop it in the AWS console.'),
    ...textLog(engine, { name: provider, getStatus, log }),
    log,
    links: (job) => links(row, account.useCase, job),
  };
}

interface SageMaker {
  sdk: typeof Sdk;
  client: Sdk.SageMakerClient;
}

/** One client of an account for all kinds, so that they share its connections. */
const opened = new WeakMap<AwsAccount, Promise<SageMaker>>();

function sageMakerOf(account: AwsAccount): Promise<SageMaker> {
  let known = opened.get(account);
  if (!known) {
    // The package is large: loaded with the first question.
    known = import('@aws-sdk/client-sagemaker').then((sdk) => ({
      sdk,
      // Lists are allowed about twice a second for the whole account: others may have just used that up.
      client: account.paced(watchedClient(new sdk.SageMakerClient(account.clientConfig(6)))),
    }));
    opened.set(account, known);
  }
  return known;
}
