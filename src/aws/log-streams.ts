/** Which streams of a log group are a job's, and what a line calls them. */
import type { LogStream } from '@aws-sdk/client-cloudwatch-logs';
import type { LogStreamInfo } from '../ports/log-source.ts';

/** A compilation's own stream has no slash, and a prefix without one is that of other jobs too. */
export function streamsOf(
  described: readonly LogStream[],
  { job, ownStream, prefix }: { job: string; ownStream: boolean; prefix?: string | undefined },
): LogStreamInfo[] {
  const isTheirs = (name: string): boolean =>
    prefix === undefined
      ? name.startsWith(`${job}/`) || (ownStream && name === job)
      : name.startsWith(prefix);
  return described.flatMap(({ logStreamName: name, firstEventTimestamp, lastEventTimestamp, storedBytes }) =>
    name !== undefined && isTheirs(name)
      ? {
          name,
          shortName: prefix === undefined ? shortName(name, job) : withoutTime(name.slice(prefix.length)),
          firstEventAt: firstEventTimestamp,
          lastEventAt: lastEventTimestamp,
          bytes: storedBytes,
        }
      : [],
  );
}

/** As CloudWatch Logs Insights takes it. Names of jobs have no character that means anything in it. */
export const streamPattern = ({
  job,
  ownStream = true,
  prefix,
}: {
  job: string;
  ownStream?: boolean | undefined;
  prefix?: string | undefined;
}): string =>
  prefix === undefined ? `/^${job}${ownStream ? '(\\/|$)' : '\\/'}/` : `/^${prefix.replaceAll('/', '\\/')}/`;

/** `algo-1` of `<job>/algo-1-1795150455`; of other streams, what follows the job's name. */
function shortName(stream: string, job: string): string {
  if (stream === job) return 'log';
  return withoutTime(stream.slice(job.length + 1));
}

const withoutTime = (stream: string): string => /^(.+-\d+)-\d{9,}$/.exec(stream)?.[1] ?? stream;
