/**
 * A job's machines that began anew, as the names of their log streams tell: which line is of which machine before or
 * after that, and when it was.
 */
import { compareNaturally } from '../ground/natural-order.ts';
import type { EpochMs } from '../ground/time.ts';

/**
 * `<job>/algo-<n>-<time>`: a machine that is replaced or restarted (a spot machine taken back, a retry in a warm pool)
 * goes on in a stream of the same name with a later time, in seconds or, at some kinds of jobs, milliseconds.
 * Documented at https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html.
 */
const GENERATION = /^(.+-\d+)-(\d{10}|\d{13})$/;

/** Called so already. */
const NUMBERED = /-\d+\/\d+$/;

interface Stream {
  name: string;
  /** What lines of it are called: `algo-1`. */
  shortName: string;
}

/**
 * All streams of a log in natural order (`algo-2` before `algo-10`, and one machine's in the order of time), each called
 * something else in its lines: the stream in which `algo-1` goes on is `algo-1/2`, the one after that `algo-1/3`. The old
 * machine's last lines may come later than the new one's first, so that the time alone would not tell them apart.
 */
export function inLines<S extends Stream>(streams: readonly S[]): S[] {
  const generations = new Map<string, number>();
  return [...streams]
    .sort((a, b) => compareNaturally(a.name, b.name))
    .map((stream) => {
      const host = hostOf(stream);
      const generation = (generations.get(host) ?? 0) + 1;
      generations.set(host, generation);
      if (generation === 1 || NUMBERED.test(stream.shortName)) return stream;
      return { ...stream, shortName: `${stream.shortName}/${generation}` };
    });
}

/** The same for all streams of one machine of one job. */
export const hostOf = ({ name }: Stream): string => GENERATION.exec(name)?.[1] ?? name;

/** Whether a stream is called so in its lines, or its machine is. */
export const isCalled = ({ shortName }: Stream, name: string): boolean =>
  shortName === name || (shortName.startsWith(`${name}/`) && /^\d+$/.test(shortName.slice(name.length + 1)));

export interface Restart {
  at: EpochMs;
  /** As the lines of the log called them, and call them from then on, in the order of the streams: `algo-1 as algo-1/2`. */
  hosts: readonly string[];
}

/** @param streams of one log, in any order, called as in its lines. @returns by time; empty if every machine has one stream */
export function restartsOf(streams: readonly Stream[]): Restart[] {
  const byHost = new Map<string, Map<EpochMs, string>>();
  for (const { name, shortName } of streams) {
    const [, host, time] = GENERATION.exec(name) ?? [];
    if (host === undefined || time === undefined) continue;
    const known = byHost.get(host) ?? new Map<EpochMs, string>();
    byHost.set(host, known.set(Number(time) * (time.length === 10 ? 1000 : 1), shortName));
  }
  const byTime = new Map<EpochMs, string[]>();
  for (const starts of byHost.values()) {
    // The first is where it began.
    const [first, ...others] = [...starts].sort(([a], [b]) => a - b);
    for (const [at, called] of others) {
      const [, before = called] = first ?? [];
      const words = called === before ? called : `${before} as ${called}`;
      byTime.set(at, [...(byTime.get(at) ?? []), words]);
    }
  }
  return [...byTime].map(([at, hosts]) => ({ at, hosts })).sort((a, b) => a.at - b.at);
}
