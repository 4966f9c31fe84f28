/** Runs that are sent here from wherever they run (src/http/push.ts): what is known of them is in their logs. */
import type { JobStanding, TrainingJob } from '../domain/jobs.ts';
import { checkLineRange } from '../domain/line-range.ts';
import { providerWord } from '../domain/providers.ts';
import { isPushName, PUSH_SILENCE, readSender } from '../domain/pushed-runs.ts';
import { type RunEnd, runId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { RunLogInfo } from '../ports/run-log-store.ts';
import type { JobCatalog, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import type { KeptRuns } from './kept-runs.ts';
import { numberedLog } from './numbered-log.ts';
import { readRunLog } from './run-log.ts';

/** Whether a use case accepts runs that are pushed. */
export const takesPushes = ({ providers }: UseCase): boolean => providers?.push !== undefined;

export function pushed(runs: KeptRuns, clock: Clock): ProviderEntry {
  return {
    name: 'push',
    trains: takesPushes,
    links: () => ({ site: 'the machine itself' }),
    open: ({ useCase }) => openPushed(runs, clock, useCase),
  };
}

function openPushed({ logs, lines, times }: KeptRuns, clock: Clock, useCase: UseCase): TrainingProvider {
  const idOf = (job: string): string => runId({ useCase: useCase.id, provider: 'push', job });
  const nameOf = (id: string): string => id.slice(idOf('').length);
  const find = async (job: string): Promise<RunLogInfo | undefined> =>
    isPushName(job) ? await logs.info(idOf(job)) : undefined;
  const jobOf = (info: RunLogInfo): TrainingJob => ({
    name: nameOf(info.id),
    useCase: useCase.id,
    provider: 'push',
    ...standingOf(info, clock.now()),
    ...(info.end ? endOf(info.end) : {}),
    createdAt: info.createdAt,
    startedAt: info.createdAt,
  });

  const jobs: JobCatalog = {
    async list({ nameContains = '', limit }) {
      const part = nameContains.toLowerCase();
      return (await logs.list(idOf('')))
        .filter(({ id }) => nameOf(id).toLowerCase().includes(part))
        .slice(0, limit)
        .map(jobOf);
    },
    async tags({ name }) {
      const host = readSender((await find(name))?.cursor)?.host;
      const tags: Record<string, string> = host === undefined ? {} : { host };
      return tags;
    },
  };
  const cannot = (what: string, hint: string) => async (): Promise<never> => {
    throw new AppError('invalid_input', `A run that is pushed cannot be ${what} from here.`, { hint });
  };
  const start = cannot('started', 'Start it on its machine again, with another name: signalbox run --push …');
  const existing = async (name: string): Promise<RunLogInfo> => {
    const info = await find(name);
    if (info) return info;
    throw new AppError('not_found', `${providerWord('push')} has sent no such run.`);
  };
  return {
    name: 'push',
    begins: { state: 'running', status: 'Running' },
    jobs,
    async getStatus(name) {
      const info = await find(name);
      return info && jobOf(info);
    },
    choices: start,
    setup: start,
    deploy: start,
    cancel: cannot('stopped', 'Stop it on its machine: signalbox run passes Ctrl+C on to it.'),
    async getLogs(name, range) {
      checkLineRange(range);
      const read = await lines.read(await existing(name), range.limit, range.offset);
      return { lines: read.lines, offset: read.offset, total: read.total };
    },
    async *readLog(name, { offset }, signal) {
      await existing(name);
      yield* readRunLog(logs, idOf(name), offset, signal);
    },
    log: (name) =>
      numberedLog({
        id: `push/${useCase.id}/${name}`,
        async facts() {
          const info = await existing(name);
          const { size: bytes, createdAt, updatedAt } = info;
          // Signs of life are not output.
          const lastEventAt = readSender(info.cursor)?.printedAt ?? updatedAt;
          return bytes === 0 ? undefined : { bytes, firstEventAt: createdAt, lastEventAt };
        },
        async read(offset, limit) {
          const info = await existing(name);
          const { ends, ...read } = await lines.read(info, limit, offset);
          const table = await times(info);
          return { ...read, times: ends.map((end) => table.at(end)) };
        },
      }),
    links: () => ({ site: 'the machine itself' }),
  };
}

function standingOf({ end, updatedAt }: RunLogInfo, now: EpochMs): JobStanding {
  if (!end)
    return now - updatedAt > PUSH_SILENCE
      ? // It may run on where the network is gone.
        { state: 'unknown', status: 'Not heard of' }
      : { state: 'running', status: 'Running' };
  const status = end.state.charAt(0).toUpperCase() + end.state.slice(1);
  return { state: end.state === 'lost' ? 'failed' : end.state, status };
}

function endOf({ state, exitCode, signal, at }: RunEnd): Partial<TrainingJob> {
  return {
    endedAt: at,
    exit: state === 'lost' ? 'lost' : { code: exitCode, signal },
    ...(state === 'completed' ? {} : { failureReason: reasonOf({ state, exitCode, signal }) }),
  };
}

function reasonOf({ state, exitCode, signal }: Omit<RunEnd, 'at'>): string {
  if (state === 'lost') return 'Nobody saw how it ended: its machine or what captured it is gone.';
  if (signal !== null) return `It was ended by ${signal}.`;
  return exitCode === null ? 'It has ended without an exit code.' : `It exited with code ${exitCode}.`;
}
