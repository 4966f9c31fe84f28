/** Stands in for what could not be opened: every call to it fails with the reason, and everything else works. */
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import type { ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';

export function closedProvider(entry: ProviderEntry, useCase: UseCase, problem: AppError): TrainingProvider {
  const refuse = (): Promise<never> => Promise.reject(problem);
  return {
    name: entry.name,
    begins: { state: 'unknown', status: 'Unknown' },
    jobs: { list: refuse, tags: refuse },
    getStatus: refuse,
    choices: refuse,
    setup: refuse,
    deploy: refuse,
    cancel: refuse,
    getLogs: refuse,
    readLog: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
    log: (job) => ({ id: `closed/${entry.name}/${job}`, listStreams: refuse, readPage: refuse }),
    links: (job) => entry.links(useCase, job),
  };
}

/** A use case without its AWS account. */
export function closedSession(
  { sessionName, providers }: Pick<UseCaseSession, 'sessionName' | 'providers'>,
  problem: AppError,
): UseCaseSession {
  const refuse = (): never => {
    throw problem;
  };
  return {
    sessionName,
    providers,
    compilationLog: refuse,
    get compiler(): never {
      return refuse();
    },
    get artifacts(): never {
      return refuse();
    },
    get components(): never {
      return refuse();
    },
    get devices(): never {
      return refuse();
    },
  };
}
