/** Runs that have stopped printing: one warning for each silence. */

import { stuckAnnouncement } from '../blocks/announcements.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { adviceForSilence } from '../domain/failure-guidance.ts';
import { isToldWithAnother } from '../domain/job-families.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { ClockWatch, elapsed } from '../ground/elapsed.ts';
import type { EpochMs } from '../ground/time.ts';
import { logOf } from '../operations/job-places.ts';
import { readLogEnds } from '../operations/log-end.ts';
import { alertsChannelOf, announce, canOpen, type Notifier, type NotifierDeps } from './notifier.ts';

const JOBS_LIMIT = 1_000;
/** Minimum milliseconds between checks of one log. */
const CHECK_EVERY = 60_000;
/** Logs checked in one tick; the others follow in the next ones. */
const AT_ONCE = 4;

interface Watched {
  key: string;
  job: TrainingJob;
  useCase: UseCase;
  /** Milliseconds of silence that are too long. */
  after: number;
}

/** Only a run that has printed before can fall silent; some containers never print. */
export function stuckRunNotifier(deps: NotifierDeps): Notifier {
  const { store, clock, gateway, alerts, useCases, onError } = deps;
  /** Job → when to check its log again, in elapsed time. */
  const next = new Map<string, number>();
  /** Job → time of its last line, and since when (in elapsed time) it has been the last. */
  const lastLines = new Map<string, { at: EpochMs; since: number }>();
  const watch = new ClockWatch(clock);
  /**
   * The clock was set while this process ran. By the new time, every log might suddenly have been silent for hours, so
   * from then on only the time that this process has watched counts.
   */
  let doubted = false;

  /** @returns milliseconds until the next check */
  async function look({ key, job, useCase, after }: Watched, signal: AbortSignal): Promise<number> {
    const known = jobKey(job);
    const session = await gateway.open(useCase, backgroundActor(deps.team), 'logs');
    const now = clock.now();
    const ends = await readLogEnds(logOf(session, known), { now, signal });
    const last = ends.at(-1);
    if (!last) return Math.max(CHECK_EVERY, after / 3);
    const passed = elapsed(clock);
    const before = lastLines.get(key);
    const since = before?.at === last.at ? before.since : passed;
    lastLines.set(key, { at: last.at, since });
    const silence = doubted ? passed - since : now - last.at;
    const pipeline = known;
    // It is printing (again), so an earlier silence is over.
    await alerts.succeeded(useCase, { kind: 'stuck', pipeline, at: last.at });
    if (silence < after) return Math.max(after - silence, CHECK_EVERY);
    const record = await store.getJob(useCase.id, known);
    if (!record || isFinished(record.job)) return after;
    const id = `stuck/${known}/${last.at}`;
    const lines = last.text.trimEnd().split('\n').slice(-10).join('\n');
    const links = gateway.links(useCase, job);
    const alert = await alerts.raise(useCase, {
      kind: 'stuck',
      title: `No log line for ${Math.floor(silence / 60_000)} minutes`,
      cause: '',
      scope: known,
      subject: {
        id,
        name: job.name,
        job: known,
        pipeline,
        at: last.at,
        console: links.job,
        site: links.site,
        provider: job.provider,
        canOpen: await canOpen(deps, useCase, known),
      },
      advice: adviceForSilence(job.provider),
      job: known,
    });
    if (alert && !alert.excerpt)
      await alerts.explain(alert.id, { excerpt: { stream: last.stream, text: lines, kind: 'last lines' } });
    await announce(
      deps,
      { useCase: useCase.id, kind: 'stuck', name: job.name, outcome: 'warning' },
      `${useCase.id}/${id}`,
      stuckAnnouncement(job, last.at, now, useCase),
      { except: alert && alertsChannelOf(useCase) },
    );
    return Math.max(CHECK_EVERY, after / 3);
  }

  async function round(signal: AbortSignal): Promise<void> {
    doubted ||= watch.setBy() !== 0;
    const passed = elapsed(clock);
    const due: Watched[] = [];
    const running = new Set<string>();
    for (const useCase of useCases) {
      const after = useCase.stuckAfterMs;
      if (after === undefined) continue;
      const trainsOn = gateway.trainsOn(useCase);
      for (const { job } of await store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT })) {
        const key = `${useCase.id} ${jobKey(job)}`;
        // Of a provider that is gone from the configuration nothing can be read.
        if (!mayBeStuck(job) || isToldWithAnother(useCase, job) || !trainsOn.includes(job.provider)) continue;
        running.add(key);
        if (!next.has(key)) {
          const age = clock.now() - (job.startedAt ?? job.createdAt);
          next.set(key, passed + Math.min(after, after - age));
        }
        if (next.get(key)! <= passed) due.push({ key, job, useCase, after });
      }
    }
    for (const key of next.keys())
      if (!running.has(key)) {
        next.delete(key);
        lastLines.delete(key);
      }
    await Promise.all(
      due.slice(0, AT_ONCE).map(async (watched) => {
        const { key, job, useCase, after } = watched;
        next.set(key, passed + CHECK_EVERY);
        try {
          next.set(key, elapsed(clock) + (await look(watched, signal)));
        } catch (error) {
          if (signal.aborted) return;
          // A log that cannot be read says nothing about the run.
          onError(error, {
            useCase: useCase.id,
            subject: jobKey(job),
            doing: 'looking whether a run is stuck',
          });
          next.set(key, elapsed(clock) + after / 3);
        }
      }),
    );
  }

  return { tick: round };
}

/** Waiting for machines, or for spot capacity, does not count as silence; nor do services that nobody asks anything. */
function mayBeStuck(job: TrainingJob): boolean {
  return job.state === 'running' && job.phase === undefined && !PROVIDERS[job.provider].stays;
}
