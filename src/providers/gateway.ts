/** Opens use cases: the AWS account, where there is one, and on it or beside it every provider that trains. */
import { newSessionName, type SessionOperation } from '../domain/session-name.ts';
import { awsOf, type UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { observedMethods } from '../ground/observed.ts';
import type { Clock } from '../ground/time.ts';
import type { AwsAccount, AwsAccounts } from '../ports/aws-account.ts';
import type { LogEngine } from '../ports/log-engine.ts';
import type { ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { closedProvider, closedSession } from './closed.ts';
import { allProviders } from './index.ts';
import type { KeptRuns } from './kept-runs.ts';

export interface GatewayOptions {
  clock: Clock;
  accounts: AwsAccounts;
  /** Reads logs as text, where their service keeps events. */
  engine: LogEngine;
  /** Default: all there are. */
  providers?: readonly ProviderEntry[];
  /** Left out: use cases that accept runs show none, and of runs elsewhere nothing is known once they are gone there. */
  kept?: KeptRuns;
}

export function createUseCaseGateway({
  clock,
  accounts,
  engine,
  kept,
  providers: all = allProviders(clock, kept),
}: GatewayOptions): UseCaseGateway {
  // Clients keep connections: one set for each open account, dropped with it.
  const opened = new WeakMap<AwsAccount, UseCaseSession>();
  const trainingAt = (useCase: UseCase): ProviderEntry[] => all.filter((one) => one.trains(useCase));

  return {
    trainsOn: (useCase) => trainingAt(useCase).map(({ name }) => name),

    async open(useCase, actor, operation) {
      const entries = trainingAt(useCase);
      if (entries.length === 0) throw trainsNowhere(useCase);
      const { account, problem } = await openAccount(accounts, useCase, actor, operation);
      const known = account && opened.get(account);
      if (known) return known;
      const aws = (): AwsAccount => {
        if (account) return account;
        throw problem;
      };
      const { providers, closed } = openAll(entries, useCase, (entry) =>
        observedProvider(entry.open({ useCase, actor, operation, aws, engine })),
      );
      if (!account) {
        const sessionName = newSessionName(operation, actor, clock.now());
        return closedSession({ sessionName, providers }, problem);
      }
      const { sessionName, compilationLog, compiler, artifacts, components, devices } = account;
      const session = { sessionName, providers, compilationLog, compiler, artifacts, components, devices };
      // What could not be opened is tried again the next time.
      if (closed === 0) opened.set(account, session);
      return session;
    },

    links(useCase, job) {
      const entry = all.find(({ name }) => name === job.provider);
      return entry?.links(useCase, job.name) ?? { site: '' };
    },
  };
}

const QUESTIONS: ReadonlySet<string> = new Set([
  'getStatus',
  'choices',
  'setup',
  'deploy',
  'cancel',
  'getLogs',
] satisfies (keyof TrainingProvider)[]);

/** What it is asked for, and how long that takes, is one operation each. */
function observedProvider(provider: TrainingProvider): TrainingProvider {
  const jobs = observedMethods(provider.jobs, (method) => ({
    kind: 'operation',
    name: `${provider.name}.jobs.${method}`,
  }));
  const asked = observedMethods(provider, (method) =>
    QUESTIONS.has(method) ? { kind: 'operation', name: `${provider.name}.${method}` } : undefined,
  );
  return asked === provider ? provider : Object.assign(asked, { jobs });
}

type Opened = { account: AwsAccount; problem?: never } | { account?: never; problem: AppError };

/** Without an account, or if it cannot be opened, providers outside AWS are open all the same. */
async function openAccount(
  accounts: AwsAccounts,
  useCase: UseCase,
  actor: Actor,
  operation: SessionOperation,
): Promise<Opened> {
  try {
    awsOf(useCase);
    return { account: await accounts.open(useCase, actor, operation) };
  } catch (error) {
    return { problem: toAppError(error) };
  }
}

/** @throws AppError when none of them can be opened */
function openAll(
  entries: readonly ProviderEntry[],
  useCase: UseCase,
  open: (entry: ProviderEntry) => TrainingProvider,
): { providers: TrainingProvider[]; closed: number } {
  let first: AppError | undefined;
  let closed = 0;
  const providers = entries.map((entry) => {
    try {
      return open(entry);
    } catch (thrown) {
      const problem = toAppError(thrown);
      first ??= problem;
      closed += 1;
      return closedProvider(entry, useCase, problem);
    }
  });
  if (first && closed === entries.length) throw first;
  return { providers, closed };
}

function trainsNowhere(useCase: UseCase): AppError {
  return new AppError('invalid_input', `The use case ${useCase.name} does not train anywhere.`, {
    hint: 'An admin of Signalbox sets where it trains in signalbox.yaml, for example `providers: { sagemaker: true }`.',
  });
}
