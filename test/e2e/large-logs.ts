/** Logs of 300 MB, of a training that completed and of one that failed, each with last words of a machine of its own. */
import { type AwsWorld, bulkStreams, type TrainingJobSeed, writtenSeries } from '#sandbox/seeds';

/** Seeded; in `line-3`. */
export const HUGE = 'line3-pretrain-2m';
/** The same, made to fail. */
export const BROKEN = 'line3-pretrain-broken';

/** A third machine that speaks last, a second after the others. */
function withLastWords(job: TrainingJobSeed, messages: readonly string[]): TrainingJobSeed {
  const end = Math.max(...job.streams.map(({ series }) => series.time(series.visible(Date.now()) - 1)));
  const events = messages.map((message, n) => ({ at: end + 1_000 + n, message }));
  const name = `${job.name}/algo-3-${Math.floor(end / 1000)}`;
  const stream = { name, createdAt: job.streams[0]!.createdAt, series: writtenSeries(() => events) };
  return { ...job, streams: [...job.streams, stream] };
}

function broken(job: TrainingJobSeed): TrainingJobSeed {
  const end = Date.now() - 7 * 3_600_000;
  const last = { at: end + 60_000, status: 'Failed', secondary: 'Failed' } as const;
  return {
    ...job,
    name: BROKEN,
    transitions: [...job.transitions.slice(0, -1).filter(({ at }) => at < end), last],
    failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1',
    streams: bulkStreams({ job: BROKEN, streams: 2, events: 1_290_000, seed: 530, end }),
  };
}

/** @param words each one an event, of the one and of the other */
export const withLastWordsOf =
  (words: { completed: readonly string[]; failed: readonly string[] }) =>
  ({ accounts }: AwsWorld): AwsWorld => {
    const withThem = (job: TrainingJobSeed): TrainingJobSeed[] =>
      job.name === HUGE
        ? [withLastWords(job, words.completed), withLastWords(broken(job), words.failed)]
        : [job];
    return {
      accounts: accounts.map((account) => ({
        ...account,
        regions: Object.fromEntries(
          Object.entries(account.regions ?? {}).map(([name, region]) => [
            name,
            { ...region, trainingJobs: (region.trainingJobs ?? []).flatMap(withThem) },
          ]),
        ),
      })),
    };
  };
