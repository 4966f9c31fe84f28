/** What a log file is called, and its header. */
import { grouped } from '../ground/numbers.ts';
import type { TrainingJob } from './jobs.ts';
import { completeWords, type LogLoss, maskedWords } from './log-keeping.ts';
import { utcSecond } from './log-times.ts';
import { isSageMakers, PROVIDERS, type ProviderName } from './providers.ts';
import { restartsOf } from './stream-generations.ts';
import { trainingLabel } from './training-states.ts';
import type { UseCase } from './use-cases.ts';

/**
 * `training-logs-<job>-<UTC time>.log`, of letters, digits, dots, hyphens and underscores only: safe as a path,
 * in a header and in a shell.
 * @param at milliseconds since the epoch
 * @param of what wrote it: see `writerOf`
 */
export function logFileName(job: string, at: number, of = 'training'): string {
  const safe = job
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 100);
  const time = new Date(at).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${of}-logs-${safe || 'job'}-${time}.log`;
}

/** `processing`, `tuning`, …: a kind of SageMaker's jobs by its name, `training` wherever else a job runs. */
export function writerOf(provider: ProviderName | undefined): string {
  return provider !== undefined && PROVIDERS[provider].isKind ? provider : 'training';
}

export interface LogHeaderFacts {
  job: TrainingJob;
  useCase: UseCase;
  /** What the file was narrowed to, in words; empty: nothing. */
  narrowed: string;
  /** What is missing in it, as far as is known. */
  loss?: LogLoss | undefined;
  events: number;
  firstEventAt?: number | undefined;
  lastEventAt?: number | undefined;
  streams: readonly { name: string; shortName: string; events: number }[];
  downloadedAt: number;
  /** The person, as the reader knows them. */
  by: string;
}

/** The lines above the events; each starts with `#`. Ends with an empty line. */
export function logHeader(facts: LogHeaderFacts): string {
  const { job, useCase } = facts;
  const span =
    facts.firstEventAt === undefined || facts.lastEventAt === undefined
      ? 'no events'
      : `${iso(facts.firstEventAt)} to ${iso(facts.lastEventAt)}`;
  const rows: [label: string, value: string][] = [
    ['job', `${job.name} (${trainingLabel(job).word})`],
    ...(PROVIDERS[job.provider].isKind
      ? ([['kind', PROVIDERS[job.provider].thing]] as [string, string][])
      : []),
    ['use case', `${useCase.name} (${useCase.id})`],
    // A use case with an account may train elsewhere too: then that account has nothing to do with this job.
    ...(useCase.aws && isSageMakers(job.provider)
      ? ([
          ['account', useCase.aws.account],
          ['region', useCase.aws.region],
        ] as [string, string][])
      : ([['provider', PROVIDERS[job.provider].called]] as [string, string][])),
    ...facts.streams.map((stream, index): [string, string] => [
      index === 0 ? 'streams' : '',
      `${stream.name} (${grouped(stream.events)} ${stream.events === 1 ? 'event' : 'events'})`,
    ]),
    ...restartsOf(facts.streams).map(({ at, hosts }, index): [string, string] => [
      index === 0 ? 'restarted' : '',
      `${utcSecond(at)}: ${hosts.join(', ')}`,
    ]),
    ['time span', span],
    ['events', grouped(facts.events)],
    ...(facts.narrowed === '' ? [] : ([['narrowed to', facts.narrowed]] as [string, string][])),
    ...lossRows(facts.loss),
    ['downloaded', `${utcSecond(facts.downloadedAt)} by ${facts.by}`],
  ];
  return `${rows.map(([label, value]) => `# ${label.padEnd(12)} ${oneLine(value)}`).join('\n')}\n\n`;
}

function lossRows(loss: LogLoss | undefined): [label: string, value: string][] {
  const rows = [
    ['complete', completeWords(loss, utcSecond)],
    ['masked', maskedWords(loss)],
  ] as const;
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, value]]));
}

const iso = (at: number): string => new Date(at).toISOString();
// A name or a status must not be able to start a line of its own.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be removed
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ');
