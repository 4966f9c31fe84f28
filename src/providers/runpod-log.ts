/**
 * A pod's log, which RunPod gives out as server-sent events (`GET /pods/{id}/logs`) and deletes with the pod. What is
 * relied on, from the OpenAPI file (see runpod-client.ts) unless another source is named:
 *
 * - Each event's data is `{source, line, ts}`; `source` is `container`, or `system` for what the host says.
 * - With `since` (RFC 3339) the log comes from that time on, whatever `tail` says, and then goes on as it is printed. So
 *   it is read without `tail` (5,000 lines at most) and without `Last-Event-ID`, which wins over both and whose `id` is
 *   no counter but the line's time: RunPod goes on behind it, and loses what shared that time (runpodctl,
 *   internal/api/logs.go: "exclusive"). In the description's example an id is a time with a counter, and no time.
 * - It never ends by itself: not when the command has ended, nor when the pod is stopped or deleted. There is no mark for
 *   the end of what was printed before, and no sign of life while nothing is printed.
 * - Times have whole seconds for `system`, up to nine digits more for `container` (runpodctl, logs_test.go).
 */
import { z } from 'zod';
import { backoff } from '../ground/backoff.ts';
import { AppError } from '../ground/errors.ts';
import { inTime, pause } from '../ground/pause.ts';
import { ServerEventReader } from '../ground/server-events.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogChunk } from '../ports/log-source.ts';
import { json } from './json-service.ts';
import type { RunPodClient } from './runpod-client.ts';
import { readMark } from './runpod-command.ts';
import { LineJoiner, type PodLine } from './runpod-lines.ts';
import { isOver, type KeptPod, type Pod, podPath } from './runpod-pods.ts';

/** Milliseconds; tests are faster. */
export interface PodLogPace {
  /** Without a line, after which the pod is looked at, and a pod that is over has printed its last. */
  quiet: number;
  /** Without a byte, after which the connection may be dead, however it looks: nothing is sent while all is well. */
  stalled: number;
  /** Between two looks at the pod. */
  look: number;
  /** Of a connection that broke, until the next one, and at most. */
  again: readonly [number, number];
  /** How long to wait for the first line of a log as it is now, for one more, and for all of it. */
  snapshot: { first: number; more: number; all: number };
  /** How old an answer about a pod may be: for whoever asks how it stands, and for who follows its log. */
  ages: { status: number; look: number };
}

export const POD_LOG_PACE: PodLogPace = {
  quiet: 5_000,
  stalled: 90_000,
  look: 15_000,
  again: [1_000, 15_000],
  snapshot: { first: 3_000, more: 700, all: 60_000 },
  ages: { status: 2_000, look: 10_000 },
};

/** Milliseconds of a log that have one time. */
const PART = 1_000;

/** Bytes of a log as it is now that are held: with those kept before, more than is ever missing while Signalbox runs. */
const MOST_HELD = 64 * 1024 * 1024;

const lineShape = z.object({ source: z.string().default('container'), line: z.string(), ts: z.string() });

/** What the host says looks like this among what the command printed. */
const podText = ({ source, line }: Pick<PodLine, 'source' | 'line'>): string =>
  source === 'container' ? line : `[${source}] ${line}`;

/** Lines as they come, a list for each piece that arrives; it ends where the connection does. */
async function* podLines(
  client: RunPodClient,
  pod: Pick<Pod, 'id' | 'createdAt'>,
  since: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<PodLine[]> {
  const from = since ?? new Date(pod.createdAt - 1_000).toISOString();
  const body = await client.stream(`${podPath(pod.id)}/logs?since=${encodeURIComponent(from)}`, signal);
  const reader = new ServerEventReader();
  for await (const bytes of body)
    yield reader.read(bytes).flatMap(({ data }) => {
      const parsed = lineShape.safeParse(json(data));
      // Of what is no line nothing can be said; the next ones may be lines again.
      return parsed.success && !Number.isNaN(Date.parse(parsed.data.ts)) ? [parsed.data] : [];
    });
}

export interface PodLogReading {
  client: RunPodClient;
  pod: Pod;
  /** What is kept of the log: it is gone on from there. Left out: from its beginning. */
  kept?: KeptPod | undefined;
  /** The log's bytes so far; of those that come first, as many are left out where nothing is kept. */
  offset: number;
  /** The pod as RunPod has it now; undefined: it is gone. May be some seconds old. */
  look(signal: AbortSignal): Promise<Pod | undefined>;
  pace?: PodLogPace | undefined;
  wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/**
 * The log's bytes as they come, until its command has ended, or nothing runs in the pod any more and no line has come for
 * a while. The last chunk's cursor says that it is complete.
 * @throws AppError as RunPodClient; resume from the last chunk
 */
export async function* readPodLog(reading: PodLogReading, signal: AbortSignal): AsyncGenerator<LogChunk> {
  const { client, pod, kept, look, pace = POD_LOG_PACE, wait = pause } = reading;
  const joiner = new LineJoiner(kept?.lines);
  const state: KeptPod = { v: 1, pod, end: {}, ...kept };
  let { offset } = reading;
  // Nothing is known of what was read before, so it is read again.
  let skip = kept ? 0 : offset;
  if (!kept) offset = 0;

  const chunkOf = (lines: readonly PodLine[]): LogChunk | undefined => {
    const texts: string[] = [];
    const parts: [end: number, at: EpochMs][] = [];
    let end = offset;
    let at: EpochMs | undefined;
    for (const line of lines) {
      if (state.end.code !== undefined || !joiner.isNew(line)) continue;
      const text = `${podText(line)}\n`;
      texts.push(text);
      end += Buffer.byteLength(text);
      at = Date.parse(line.ts);
      const part = parts.at(-1);
      if (part && at - part[1] < PART) part[0] = end;
      else parts.push([end, at]);
      if (line.source !== 'container') continue;
      state.end = readMark(line.line, state.pod.run, state.end);
      if (state.end.code !== undefined) state.endedAt = at;
    }
    if (texts.length === 0) return undefined;
    const whole = Buffer.from(texts.join(''));
    const bytes = whole.subarray(Math.min(skip, whole.length));
    skip -= whole.length - bytes.length;
    const chunk = { offset: offset + whole.length - bytes.length, bytes, cursor: cursor(), at, parts };
    offset += whole.length;
    return chunk;
  };
  const cursor = (): string => JSON.stringify({ ...state, lines: joiner.soFar } satisfies KeptPod);
  const complete = (): LogChunk => {
    state.complete = true;
    return { offset, bytes: new Uint8Array(0), cursor: cursor() };
  };

  let lookedAt = Number.NEGATIVE_INFINITY;
  let seenOver = false;
  /** @returns whether it was over before this silence too */
  const over = async (): Promise<boolean> => {
    if (seenOver) return true;
    if (performance.now() - lookedAt < pace.look) return false;
    const now = await look(signal);
    lookedAt = performance.now();
    // What it cost stays known when it costs nothing any more.
    if (now) state.pod = { ...now, cost: now.cost || state.pod.cost };
    seenOver = !now || isOver(now);
    return false;
  };

  let failures = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    const all = AbortSignal.any([signal, connection.signal]);
    joiner.reconnected();
    const lines = podLines(client, pod, joiner.since, all)[Symbol.asyncIterator]();
    let next = lines.next();
    let heardAt = performance.now();
    try {
      for (;;) {
        const got = await inTime(pace.quiet, next);
        if (signal.aborted) return;
        if (!got) {
          if (await over()) return yield complete();
          if (performance.now() - heardAt > pace.stalled) break;
          continue;
        }
        if (got.done) break;
        heardAt = performance.now();
        const chunk = chunkOf(got.value);
        if (chunk) {
          failures = 0;
          seenOver = false;
          if (chunk.bytes.length > 0) yield chunk;
          if (state.end.code !== undefined) return yield complete();
        }
        next = lines.next();
      }
    } catch (error) {
      if (signal.aborted) return;
      // Of a pod that is over RunPod may have no log any more.
      if (isRefused(error) && (await isGone(look, signal))) return yield complete();
      if (error instanceof AppError) throw error;
      // The connection broke in the middle of the log.
    } finally {
      connection.abort();
      next.catch(() => undefined);
    }
    failures += 1;
    if (await over()) return yield complete();
    await wait(backoff(pace.again, failures), signal).catch(() => undefined);
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof AppError && ['not_found', 'invalid_input', 'conflict'].includes(error.code);

async function isGone(look: PodLogReading['look'], signal: AbortSignal): Promise<boolean> {
  const now = await look(signal);
  return !now || isOver(now);
}

/** A log as it is now, behind what is kept of it. */
export interface PodLogRest {
  lines: string[];
  /** When each was printed. */
  times: EpochMs[];
  /** Bytes at its beginning that were too many to hold. */
  dropped: number;
}

/**
 * What a pod has printed until now. That there is no more is only known from its silence.
 * @throws AppError as RunPodClient
 */
export async function podLogRest(
  { client, pod, kept, pace = POD_LOG_PACE }: Pick<PodLogReading, 'client' | 'pod' | 'kept' | 'pace'>,
  signal: AbortSignal,
): Promise<PodLogRest> {
  const joiner = new LineJoiner(kept?.lines);
  const rest: PodLogRest = { lines: [], times: [], dropped: 0 };
  const { snapshot } = pace;
  const connection = new AbortController();
  const all = AbortSignal.any([signal, connection.signal]);
  const until = performance.now() + snapshot.all;
  const pieces = podLines(client, pod, joiner.since, all)[Symbol.asyncIterator]();
  let held = 0;
  let from = 0;
  let patience = snapshot.first;
  let next = pieces.next();
  try {
    while (performance.now() < until) {
      const got = await inTime(patience, next);
      signal.throwIfAborted();
      if (!got || got.done) break;
      patience = snapshot.more;
      for (const line of got.value) {
        if (!joiner.isNew(line)) continue;
        const text = podText(line);
        held += text.length + 1;
        rest.lines.push(text);
        rest.times.push(Math.max(rest.times.at(-1) ?? 0, Date.parse(line.ts)));
        while (held > MOST_HELD && from < rest.lines.length - 1) {
          const size = rest.lines[from]!.length + 1;
          rest.lines[from] = '';
          rest.dropped += size;
          held -= size;
          from += 1;
        }
      }
      next = pieces.next();
    }
  } finally {
    connection.abort();
    next.catch(() => undefined);
  }
  if (from > 0) {
    const words = `[signalbox] ${rest.dropped} bytes before this were too many to show at once`;
    rest.lines.splice(0, from, words);
    rest.times.splice(0, from, rest.times[from] ?? 0);
  }
  return rest;
}
