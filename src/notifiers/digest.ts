/** The digest: what happened since the last one, for channels that set a time for it. */
import { type DigestPart, digestMessage } from '../blocks/announcements.ts';
import { currentStatus, isLive, isSuccessful } from '../domain/compilations.ts';
import { nextRun } from '../domain/cron.ts';
import { isToldWithAnother } from '../domain/job-families.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, isOnItsWay, type JobState } from '../domain/jobs.ts';
import type { ChannelSettings } from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';

const DAY = 24 * 3_600_000;
const WEEK = 7 * DAY;
const JOBS_LIMIT = 10_000;

export function digestNotifier(deps: NotifierDeps): Notifier {
  const { store, clock, notices, onError } = deps;

  /** The time is stored, so that after a stop one digest covers everything that was missed. */
  async function look(settings: ChannelSettings, now: EpochMs): Promise<void> {
    const { channel, digest } = settings;
    const id = `digest/${channel}`;
    const timer = (await store.listTimers()).find((one) => one.id === id);
    if (!digest) {
      if (timer) await store.removeTimer(id, timer.dueAt);
      return;
    }
    const rule = `${digest.cron} ${digest.timeZone}`;
    const following = (last: EpochMs) => ({
      id,
      kind: 'digest',
      dueAt: nextRun(digest.cron, digest.timeZone, now),
      data: { rule, last },
    });
    const last = typeof timer?.data?.last === 'number' ? timer.data.last : now - DAY;
    // If its last digest is in the future, the clock was ahead then, and the next one would be too late.
    if (last > now) return store.putTimer(following(now));
    if (!timer || timer.data?.rule !== rule) return store.putTimer(following(last));
    if (timer.dueAt > now) return;
    const from = Math.max(now - WEEK, last);
    const parts = await Promise.all(
      deps.useCases
        .filter((useCase) => digest.useCases.includes(useCase.id))
        .map((useCase) => partOf(useCase, from)),
    );
    // The key contains the due time, so a crash before the next line does not post it twice.
    if (parts.length > 0)
      await notices.post(`${id}/${timer.dueAt}`, channel, digestMessage(parts, from, now));
    await store.putTimer(following(now));
  }

  async function partOf(useCase: UseCase, from: EpochMs): Promise<DigestPart> {
    const [records, attempts, components, open] = await Promise.all([
      store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT }),
      store.listAttempts({ useCase: useCase.id }),
      store.listComponents({ useCase: useCase.id }),
      store.listAlerts({ useCase: useCase.id, unresolved: true, limit: JOBS_LIMIT }),
    ]);
    // Those that another job's card tells of would be counted with it.
    const jobs = records.map(({ job }) => job).filter((job) => !isToldWithAnother(useCase, job));
    const ended = jobs.filter((job) => isFinished(job) && (job.endedAt ?? 0) >= from);
    const endedAs = (state: JobState) => ended.filter((job) => job.state === state);
    const done = attempts.filter((one) => !isLive(one) && (one.endedAt ?? one.statuses.at(-1)!.at) >= from);
    const made = components.filter((one) => (one.lastCheckedAt ?? one.createdAt) >= from);
    const failed = endedAs('failed');
    const many = deps.gateway.trainsOn(useCase).length > 1;
    const notCompiled = done.filter((one) => currentStatus(one) === 'FAILED');
    return {
      useCase,
      training: {
        completed: endedAs('completed').length,
        failed: failed.length,
        stopped: endedAs('stopped').length,
        running: jobs.filter(isOnItsWay).length,
      },
      compilations: {
        completed: done.filter(isSuccessful).length,
        failed: notCompiled.length,
        running: attempts.filter(isLive).length,
      },
      components: {
        deployable: made.filter(({ state }) => state.toUpperCase() === 'DEPLOYABLE').length,
        failed: made.filter(({ state }) => state.toUpperCase() === 'FAILED').length,
      },
      openAlerts: open.length,
      failed: [
        ...failed.map((job) => (many ? jobKey(job) : job.name)),
        ...notCompiled.map(({ job, target }) => `${job} → ${target}`),
      ],
    };
  }

  return {
    async tick() {
      const now = clock.now();
      for (const settings of await store.listChannelSettings())
        await look(settings, now).catch((error: unknown) =>
          onError(error, { subject: settings.channel, doing: 'making a digest' }),
        );
    },
  };
}
