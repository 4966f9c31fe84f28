/** The interface of a notifier, and what it works with. Each covers one family of events; repeating must show once. */
import type { Message } from '../blocks/message.ts';
import type { SubscriptionEvent } from '../domain/subscriptions.ts';
import { recipients } from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AlertManager } from '../operations/alert-manager.ts';
import type { JobChange } from '../operations/job-changes.ts';
import type { JobDeps } from '../operations/job-deps.ts';
import type { LiveRuns } from '../operations/live-runs.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { Notices } from '../ports/notices.ts';
import type { Store } from '../ports/store.ts';

export interface NotifierDeps extends JobDeps {
  store: Store;
  notices: Notices;
  alerts: AlertManager;
  useCases: readonly UseCase[];
  /** Slack team: the background's role sessions carry it. */
  team: string;
  /** Runs that can be opened in a browser. Left out: none can. */
  liveRuns?: LiveRuns | undefined;
  onError: (error: unknown, context: { useCase?: string; subject?: string; doing: string }) => void;
}

/** What it takes to tell of an event that says all by itself. */
export type ReportDeps = Pick<NotifierDeps, 'store' | 'clock' | 'alerts' | 'notices'>;

export interface Notifier {
  /** Changes of jobs, compilations and components; each job's changes come one at a time. */
  onChange?(change: JobChange, useCase: UseCase): Promise<void>;
  /** Announces what a crash may have left unannounced: at the start, and after a failed `onChange`. */
  recover?(useCase: UseCase): Promise<void>;
  /** At every tick, a few seconds apart. */
  tick?(signal: AbortSignal): Promise<void>;
  /** Gives back what it holds; nothing is called afterwards. */
  stop?(): void;
}

export { NEWS_FOR } from '../domain/job-records.ts';

/** Where an alert goes. */
export const alertsChannelOf = (useCase: UseCase): string | undefined =>
  useCase.alertsChannel ?? useCase.channels[0];

/** Whether a job's run can be opened in a browser. @param job its key */
export async function canOpen(
  { liveRuns }: Pick<NotifierDeps, 'liveRuns'>,
  useCase: UseCase,
  job: string,
): Promise<boolean> {
  return (await liveRuns?.of(useCase.id, job)) !== undefined;
}

/** Whether newer events about all of these things were already handled, so that a late one is out of date. */
export async function isStale(
  store: Pick<EventStore, 'newestHandled'>,
  things: readonly string[],
  at: EpochMs,
): Promise<boolean> {
  const newest = await Promise.all(things.map((thing) => store.newestHandled(thing)));
  return newest.every((known) => known !== undefined && at < known);
}

/**
 * Posts it once in each subscribed channel, after its quiet hours.
 * @param key the same for the same event
 * @param options.except the channel where an alert says it already
 */
export async function announce(
  { store, notices, clock }: Pick<NotifierDeps, 'store' | 'notices' | 'clock'>,
  event: SubscriptionEvent,
  key: string,
  message: Message,
  options: { except?: string | undefined } = {},
): Promise<void> {
  const [subscriptions, settings] = await Promise.all([
    store.listSubscriptions({ useCase: event.useCase }),
    store.listChannelSettings(),
  ]);
  for (const { channel, quiet, notBefore } of recipients(subscriptions, settings, event, clock.now()))
    if (channel !== options.except)
      await notices.post(`said/${key}@${channel}`, channel, message, {
        family: `said ${event.useCase} ${event.kind}`,
        ...(quiet ? { notBefore } : {}),
      });
}
