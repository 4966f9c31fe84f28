/**
 * A run's curves: what its log reports, and what the service says of its end. The log comes through the log engine, and
 * so from what is kept of it; how much is read, and for how long, is bounded, and what was left out is part of the answer.
 */

import { setMaxListeners } from 'node:events';
import { createReadStream } from 'node:fs';
import { type CurvesCut, lastValueAlone } from '../domain/curve-summary.ts';
import { withoutTwins } from '../domain/curves.ts';
import { exactWord, jobKey } from '../domain/job-keys.ts';
import { isFinished, keptAs, type TrainingJob } from '../domain/jobs.ts';
import { patternOf } from '../domain/metric-definitions.ts';
import { metricPatternProblem } from '../domain/metric-patterns.ts';
import type { MetricPattern, MetricSeries, RunMetrics } from '../domain/metrics.ts';
import { hostOf, inLines } from '../domain/stream-generations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import { grouped } from '../ground/numbers.ts';
import { keepRecent } from '../ground/recent.ts';
import type { LogDownload, LogDownloader, LogDownloadRequest, LogProgress } from '../logs/index.ts';
import type { LogSource, LogStreamInfo } from '../ports/log-source.ts';
import type { MetricReaderOf, MetricReading } from '../ports/metric-reader.ts';
import { endOfLog } from './download-logs.ts';
import type { JobDeps } from './job-deps.ts';
import { logOf } from './job-places.ts';
import { liveJob } from './observe-jobs.ts';
import { StreamLines } from './stream-lines.ts';

export interface CurveDeps extends JobDeps {
  engine: LogDownloader;
  metricReader: MetricReaderOf;
}

export interface CurveLimits {
  /** Bytes of text; more are not read. */
  bytes: number;
  /** Milliseconds for the whole log, and for the end that is read instead. */
  ms: number;
  /** Lines from the end that are read instead of a log that is over one of these. */
  tail: number;
}

const CURVE_LIMITS: CurveLimits = { bytes: 1_000_000_000, ms: 180_000, tail: 50_000 };
/** Nobody asked: a log that takes this much is for whoever asks. */
export const BACKGROUND_LIMITS: CurveLimits = { bytes: 250_000_000, ms: 120_000, tail: 20_000 };

export interface Curves {
  useCase: UseCase;
  job: TrainingJob;
  series: readonly MetricSeries[];
  /** Names of those that only the service reported: their last value alone. */
  reported: ReadonlySet<string>;
  /** Nothing was printed yet, or the log is not kept any more. */
  noLog: boolean;
  linesRead: number;
  droppedNames: number;
  epochs?: RunMetrics['epochs'];
  /** Left out: the whole log was read. */
  cut?: CurvesCut | undefined;
  /** Streams whose lines were not read. */
  streamsLeft: number;
  /** Metric definitions of the job that cannot be used here. */
  unusable: readonly string[];
}

export interface CurveOptions {
  signal?: AbortSignal;
  onProgress?: (progress: LogProgress) => void;
  limits?: CurveLimits;
  /** Others who wait for the same request quota go first. */
  background?: boolean;
}

/** Machines whose logs are read: the same metric is mostly printed by the first alone, or by all. */
const STREAMS = 8;
/** Ended runs whose curves are remembered. */
const KEPT = 16;
/** Milliseconds after a run's end in which its last lines may still arrive. */
const SETTLES = 180_000;
/** Bytes of log given to the reader at a time: between two, other work of the process has its turn. */
const PIECE = 256 * 1024;

export class CurveReader {
  readonly #deps: CurveDeps;
  readonly #known = new Map<string, Curves>();

  constructor(deps: CurveDeps) {
    this.#deps = deps;
  }

  /**
   * The caller checks the right to read logs first. It is in the audit trail as `curves.read`.
   * @throws AppError not_found: no such job · as the gateway and the log engine · CancelledError
   */
  async read(
    request: { actor: Actor; useCase: UseCase; job: string },
    options: CurveOptions = {},
  ): Promise<Curves> {
    const { clock, store, gateway } = this.#deps;
    const { actor, useCase } = request;
    const session = await gateway.open(useCase, actor, 'logs');
    const job = await liveJob(this.#deps, session, useCase, request.job, options.signal);
    const key = JSON.stringify([
      useCase.id,
      jobKey(job),
      job.createdAt,
      job.endedAt,
      useCase.metrics ?? null,
    ]);
    let curves = isFinished(job) ? this.#known.get(key) : undefined;
    if (!curves) {
      const source = logOf(session, jobKey(job));
      const quiet = options.background ? (source.inBackground?.() ?? source) : source;
      curves = await this.#readLog(useCase, job, quiet, options);
      if (isFinished(job) && clock.now() - (job.endedAt ?? 0) > SETTLES && !curves.cut)
        keepRecent(this.#known, key, curves, KEPT);
    }
    await store.appendAudit({
      at: clock.now(),
      actor,
      action: 'curves.read',
      useCase: useCase.id,
      subject: jobKey(job),
      sessionName: session.sessionName,
      detail: { metrics: curves.series.length, lines: curves.linesRead },
    });
    return { ...curves, useCase, job };
  }

  async #readLog(
    useCase: UseCase,
    job: TrainingJob,
    source: LogSource,
    options: CurveOptions,
  ): Promise<Curves> {
    const { patterns, unusable } = patternsOf(useCase, job);
    const all = await listed(source, options.signal);
    const streams = all.slice(0, STREAMS);
    const { metrics, cut } =
      streams.length === 0
        ? { metrics: [], cut: undefined }
        : await this.#metricsOf({ job, source, all, streams, patterns }, options);
    const found = merged(metrics);
    const names = new Set(found.series.map(({ name }) => name));
    const finals = (job.finalMetrics ?? []).filter(({ name }) => !names.has(name)).map(lastValueAlone);
    const series = withoutTwins([...found.series, ...finals]);
    return {
      ...found,
      ...{ useCase, job, cut, unusable, series },
      reported: new Set(finals.filter((one) => series.includes(one)).map(({ name }) => name)),
      noLog: streams.length === 0,
      streamsLeft: all.length - streams.length,
    };
  }

  /** Of the whole log; if that is too much, of its end. @throws AppError timeout: its end is too much as well */
  async #metricsOf(
    log: LogToRead,
    options: CurveOptions,
  ): Promise<{ metrics: readonly RunMetrics[]; cut?: CurvesCut }> {
    const { limits = CURVE_LIMITS } = options;
    const whole = await this.#within(limits, log, options);
    if ('metrics' in whole) return whole;
    const { tail } = limits;
    // Where a source is read forward only, all of it is fetched for its end: time alone sets a limit.
    const end = await this.#within({ ...limits, bytes: Number.POSITIVE_INFINITY }, { ...log, tail }, options);
    if ('metrics' in end) return { ...end, cut: { by: whole.over, tail } };
    throw new AppError(
      'timeout',
      `The log of ${log.job.name} is too long for its curves: even its last ${grouped(tail)} lines took too much time.`,
      { hint: `A part of it comes as a file: /logs ${exactWord(jobKey(log.job))} --last 1h.` },
    );
  }

  /** @returns by which limit there was too much to read, if there was */
  async #within(
    limits: CurveLimits,
    log: LogToRead,
    { signal, onProgress }: CurveOptions,
  ): Promise<{ metrics: readonly RunMetrics[] } | { over: CurvesCut['by'] }> {
    const limit = new Limit(limits);
    const both = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    // Many requests of a download listen to it.
    setMaxListeners(0, both);
    try {
      const metrics = await this.#feed(log, both, (progress) => {
        limit.check(progress);
        onProgress?.(progress);
      });
      return { metrics };
    } catch (error) {
      signal?.throwIfAborted();
      if (limit.over === undefined) throw error;
      return { over: limit.over };
    } finally {
      limit.end();
    }
  }

  /** @returns what each of the streams reports */
  async #feed(
    { job, source, all, streams, patterns, tail }: LogToRead,
    signal: AbortSignal | undefined,
    onProgress: CurveOptions['onProgress'],
  ): Promise<RunMetrics[]> {
    const { clock, engine, metricReader } = this.#deps;
    const readings: readonly MetricReading[] = streams.map(() => metricReader(patterns));
    const lines = new StreamLines(
      streams.map((stream) => {
        // A machine that began anew goes on with its curves.
        const first = streams.findIndex((other) => hostOf(other) === hostOf(stream));
        return { name: stream.shortName, take: (bytes) => readings[first]!.feed(bytes) };
      }),
    );
    const alone = all.length === 1;
    const request: LogDownloadRequest = {
      source,
      listing: Promise.resolve(all),
      to: endOfLog(source, { finished: isFinished(job), endedAt: job.endedAt, now: clock.now() }),
      keep: keptAs(job),
      form: alone ? 'raw' : 'lines',
      fileName: 'curves.log',
      ...(streams.length < all.length ? { streams: streams.map(({ name }) => name) } : {}),
      ...(tail === undefined ? {} : { tail }),
    };
    let download: LogDownload | undefined;
    try {
      download = await engine.download(request, {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      });
      for (const { path } of download.files)
        for await (const bytes of createReadStream(path, { highWaterMark: PIECE })) {
          signal?.throwIfAborted();
          if (alone) readings[0]!.feed(bytes as Buffer);
          else lines.feed(bytes as Buffer);
        }
      lines.end();
      return readings.map((reading) => reading.end());
    } finally {
      await download?.dispose();
    }
  }
}

interface LogToRead {
  job: TrainingJob;
  source: LogSource;
  /** In natural order, and those of them that are read. */
  all: readonly LogStreamInfo[];
  streams: readonly LogStreamInfo[];
  patterns: readonly MetricPattern[];
  /** Only so many lines from the end. */
  tail?: number;
}

/** Ends a reading that takes too much. */
class Limit {
  readonly #limits: CurveLimits;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  over: CurvesCut['by'] | undefined;

  constructor(limits: CurveLimits) {
    this.#limits = limits;
    this.#timer = setTimeout(() => this.#end('time'), limits.ms);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  check({ textBytes }: LogProgress): void {
    if (textBytes > this.#limits.bytes) this.#end('size');
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #end(by: CurvesCut['by']): void {
    if (this.over !== undefined) return;
    this.over = by;
    // Not cancelled by anybody: what was fetched stays for an hour, for whoever asks for the log itself.
    this.#controller.abort(new AppError('timeout', 'The log is too long to read its curves.'));
  }
}

/** In natural order; none if nothing was printed yet. */
async function listed(source: LogSource, signal: AbortSignal | undefined): Promise<LogStreamInfo[]> {
  try {
    return inLines(await source.listStreams(signal));
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return [];
    throw error;
  }
}

/** The use case's own, and the job's metric definitions as far as they can be used. */
function patternsOf(useCase: UseCase, job: TrainingJob): { patterns: MetricPattern[]; unusable: string[] } {
  const patterns: MetricPattern[] = [...(useCase.metrics?.patterns ?? [])];
  const unusable: string[] = [];
  for (const definition of job.metricDefinitions ?? []) {
    const pattern = patternOf(definition);
    if (pattern && metricPatternProblem(pattern) === undefined) patterns.push(pattern);
    else unusable.push(definition.name);
  }
  return { patterns, unusable };
}

/** Machines that train together mostly print the same metrics: the first that prints one stands for all. */
function merged(
  all: readonly RunMetrics[],
): Pick<Curves, 'series' | 'linesRead' | 'droppedNames' | 'epochs'> {
  const series = new Map<string, MetricSeries>();
  for (const metrics of all)
    for (const one of metrics.series) if (!series.has(one.name)) series.set(one.name, one);
  const epochs = all.find((metrics) => metrics.epochs)?.epochs;
  return {
    series: [...series.values()],
    linesRead: all.reduce((sum, { linesRead }) => sum + linesRead, 0),
    droppedNames: Math.max(0, ...all.map(({ droppedNames }) => droppedNames)),
    ...(epochs ? { epochs } : {}),
  };
}
