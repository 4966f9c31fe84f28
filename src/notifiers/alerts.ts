/** Draws alerts: one message each in the alerts channel, edited as things change, with calls in its thread. */

import { callMessage, resolvedMessage, retryEndedMessage } from '../blocks/alert-thread.ts';
import { alertMessage, SUBJECTS_SHOWN } from '../blocks/alerts.ts';
import { failureList } from '../blocks/failure-list.ts';
import type { Alert } from '../domain/alerts.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import type { Clock } from '../ground/time.ts';
import type { ShowAlert } from '../operations/alert-display.ts';
import type { AlertManager } from '../operations/alert-manager.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { Notices } from '../ports/notices.ts';
import type { Store } from '../ports/store.ts';
import { deliverText } from './attachments.ts';
import { alertsChannelOf, type Notifier, type NotifierDeps } from './notifier.ts';

/** Key of an alert's message in the outbox. */
export const alertKey = (id: string): string => `alert/${id}`;

/** Everything is drawn from the alert's state under its own keys, so drawing again shows nothing twice. */
export function alertBoard(notices: Notices): ShowAlert {
  return async (alert, useCase) => {
    const channel = alertsChannelOf(useCase);
    if (channel === undefined) return;
    const key = alertKey(alert.id);
    await notices.show(key, channel, alertMessage(alert, useCase), {
      urgent: true,
      family: `alert ${alert.useCase} ${alert.kind}`,
    });
    // The first call is in the message itself.
    for (const call of alert.calls?.slice(1) ?? [])
      if (call.to.length > 0 || call.empty.length > 0)
        await notices.post(`${key}/call/${call.why}/${call.at}`, channel, callMessage(alert, call), {
          thread: key,
          urgent: true,
          family: `call ${alert.useCase} ${alert.kind}`,
        });
    for (const retry of alert.retries ?? [])
      if (retry.ended?.how === 'failed' || retry.ended?.how === 'stopped')
        await notices.post(`${key}/retry/${retry.as}`, channel, retryEndedMessage(alert, retry, useCase), {
          thread: key,
        });
    if (alert.state === 'resolved')
      await notices.post(`${key}/resolved`, channel, resolvedMessage(alert), { thread: key });
  };
}

/** Handles due times: levels that did not answer, snoozes that are over. */
export function alertClock(alerts: AlertManager): Notifier {
  return { tick: () => alerts.tick() };
}

/** Milliseconds without another failure after which a list is complete. */
const WHOLE_AFTER = 5_000;
/** Milliseconds to wait for a list that keeps growing, and between two lists of one alert. */
const LIST_WITHIN = 30_000;
const LIST_EVERY = 5 * 60_000;
/** Milliseconds until a list that Slack refused is retried. */
const TRY_AGAIN = 60_000;

/** Posts the names that do not fit into an alert's message as a file in its thread, and again if there are more. */
export function alertLists(deps: {
  alerts: AlertManager;
  store: Pick<Store, 'getPost'>;
  clock: Clock;
  files: Pick<FileDelivery, 'deliver'>;
  useCases: readonly UseCase[];
  onError: NotifierDeps['onError'];
}): Notifier {
  const { alerts, store, clock, files, useCases, onError } = deps;
  const triedAt = new Map<string, number>();

  function isDue(alert: Alert, now: number): boolean {
    const { count, listed, openedAt, joinedAt = openedAt } = alert;
    if (count <= SUBJECTS_SHOWN || listed?.count === count) return false;
    if (elapsed(clock) - (triedAt.get(alert.id) ?? Number.NEGATIVE_INFINITY) < TRY_AGAIN) return false;
    if (listed) return Math.abs(now - listed.at) >= LIST_EVERY;
    return Math.abs(now - joinedAt) >= WHOLE_AFTER || Math.abs(now - openedAt) >= LIST_WITHIN;
  }

  async function attach(alert: Alert, useCase: UseCase): Promise<void> {
    // Without a message there is no thread yet.
    const parent = (await store.getPost(alertKey(alert.id)))?.posted;
    if (!parent) return;
    triedAt.set(alert.id, elapsed(clock));
    const at = clock.now();
    const { name, title, comment, text } = failureList(alert, useCase, at);
    await deliverText(files, { name, title, text, comment, channel: parent.channel, thread: parent.ts });
    await alerts.noteListed(alert.id, { count: alert.count, at });
    triedAt.delete(alert.id);
  }

  return {
    async tick(signal) {
      const now = clock.now();
      for (const alert of await alerts.unresolved()) {
        const useCase = useCases.find(({ id }) => id === alert.useCase);
        if (signal.aborted || !useCase || !isDue(alert, now)) continue;
        await attach(alert, useCase).catch((error: unknown) =>
          onError(error, {
            useCase: useCase.id,
            subject: alert.title,
            doing: 'attaching the list of an alert',
          }),
        );
      }
    },
  };
}
