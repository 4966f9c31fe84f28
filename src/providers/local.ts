/** A runner (`signalbox runner`, docs/runner.md) as the place where a use case trains. */
import { checkLineRange } from '../domain/line-range.ts';
import { providerWord, type RunnerAddress } from '../domain/providers.ts';
import { isRunnerName } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { JobCatalog, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import { localTraining } from './local-training.ts';
import { RunnerClient } from './runner-client.ts';
import { jobOf, manyRuns, oneRun, type RunFacts, runPath } from './runner-facts.ts';
import { followRun, readLines, runnerLog } from './runner-log.ts';

export const local: ProviderEntry = {
  name: 'local',
  trains: ({ providers }) => providers?.local !== undefined,
  // It has no pages of its own.
  links: () => ({ site: 'the local runner' }),
  open: ({ useCase }) => createLocal(useCase, addressOf(useCase)),
};

/** @throws AppError conflict: the variable that should hold the token is not set */
function addressOf({ name, providers }: UseCase): RunnerAddress {
  const address = providers?.local;
  if (!address) throw new TypeError('it does not train there');
  if (address.token && address.token.read() === undefined)
    throw new AppError('conflict', `The token for the local runner of ${name} is not set.`, {
      hint: 'An admin of Signalbox sets it in the environment of the bot.',
      adminHint: `The variable is ${address.token.variable}, from providers.local.tokenEnv in signalbox.yaml.`,
    });
  return address;
}

function createLocal(useCase: UseCase, address: RunnerAddress): TrainingProvider {
  const client = new RunnerClient(address);
  const find = async (name: string, signal?: AbortSignal): Promise<RunFacts | undefined> =>
    // Anything else is not a run, so the runner need not be asked.
    isRunnerName(name) ? await client.get(runPath(name), oneRun, signal) : undefined;

  const jobs: JobCatalog = {
    async list({ nameContains = '', limit }, signal) {
      const path = `/runs?limit=${limit}&name=${encodeURIComponent(nameContains)}`;
      const answer = await client.get(path, manyRuns, signal);
      // It always has a list, though an empty one.
      if (!answer) throw new AppError('unavailable', `${providerWord('local')} has no list of runs.`);
      return answer.runs.map((run) => jobOf(run, useCase.id));
    },
    async tags({ name }, signal) {
      const run = await find(name, signal);
      const tags: Record<string, string> = run ? { template: run.template } : {};
      return tags;
    },
  };
  return {
    name: 'local',
    begins: { state: 'running', status: 'Running' },
    jobs,
    async getStatus(name, signal) {
      const run = await find(name, signal);
      return run && jobOf(run, useCase.id);
    },
    ...localTraining(client, useCase.id, find),
    async getLogs(name, range, signal) {
      checkLineRange(range);
      const { lines, offset, total } = await readLines(client, name, range, signal);
      return { lines, offset, total };
    },
    readLog: (name, { offset }, signal) => followRun(client, name, offset, signal),
    log: (name) =>
      runnerLog(client, { id: `local/${useCase.id}/${name}`, name, find: (signal) => find(name, signal) }),
    links: () => ({ site: 'the local runner' }),
  };
}
