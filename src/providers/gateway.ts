/** Opens use cases: the AWS account, where there is one, and on it or beside it the provider that trains. */
import { newSessionName } from '../domain/session-name.ts';
import { awsOf, type UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { AwsAccount, AwsAccounts } from '../ports/aws-account.ts';
import type { ProviderEntry } from '../ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { ALL_PROVIDERS } from './index.ts';

export interface GatewayOptions {
  clock: Clock;
  accounts: AwsAccounts;
  /** Default: all there are. */
  providers?: readonly ProviderEntry[];
}

export function createUseCaseGateway({
  clock,
  accounts,
  providers = ALL_PROVIDERS,
}: GatewayOptions): UseCaseGateway {
  // Clients keep connections: one set for each account that is open, gone with it.
  const opened = new WeakMap<AwsAccount, UseCaseSession>();

  return {
    async open(useCase, actor, operation) {
      const entry = providers.find((one) => one.trains(useCase));
      if (!entry) throw trainsNowhere(useCase);
      if (!useCase.aws) {
        const aws = (): never => noAws(useCase);
        const provider = entry.open({ useCase, actor, operation, aws });
        return new WithoutAws(useCase, newSessionName(operation, actor, clock.now()), provider);
      }
      const account = await accounts.open(useCase, actor, operation);
      const known = opened.get(account);
      if (known) return known;
      const { sessionName, compilationLog, compiler, artifacts, components, devices } = account;
      const provider = entry.open({ useCase, actor, operation, aws: () => account });
      const session = { sessionName, provider, compilationLog, compiler, artifacts, components, devices };
      opened.set(account, session);
      return session;
    },

    links(useCase, job) {
      const entry = providers.find(({ name }) => name === job.provider);
      return entry?.links(useCase, job.name) ?? { site: '' };
    },
  };
}

class WithoutAws implements UseCaseSession {
  readonly #useCase: UseCase;
  readonly sessionName: string;
  readonly provider: UseCaseSession['provider'];

  constructor(useCase: UseCase, sessionName: string, provider: UseCaseSession['provider']) {
    this.#useCase = useCase;
    this.sessionName = sessionName;
    this.provider = provider;
  }

  compilationLog(): never {
    return noAws(this.#useCase);
  }

  get compiler(): never {
    return noAws(this.#useCase);
  }

  get artifacts(): never {
    return noAws(this.#useCase);
  }

  get components(): never {
    return noAws(this.#useCase);
  }

  get devices(): never {
    return noAws(this.#useCase);
  }
}

function noAws(useCase: UseCase): never {
  awsOf(useCase);
  throw new TypeError('it has an account');
}

function trainsNowhere(useCase: UseCase): AppError {
  return new AppError('invalid_input', `The use case ${useCase.name} does not train on SageMaker.`, {
    hint: 'If it does, an admin of Signalbox should set `providers: { sagemaker: true }` for it in signalbox.yaml.',
  });
}
