/** Draws alerts: one message each in the alerts channel, edited as things change; calls stand in its thread. */
import { alertMessage, callMessage, resolvedMessage, retryEndedMessage } from '../blocks/alerts.ts';
import type { AlertDesk, ShowAlert } from '../operations/alert-desk.ts';
import { alertsChannelOf, type Notices, type Notifier } from './notifier.ts';

/** Key of an alert's message in the outbox. */
export const alertKey = (id: string): string => `alert/${id}`;

/** Everything is drawn from the alert's state under keys of its own, so drawing again shows nothing twice. */
export function alertBoard(notices: Notices): ShowAlert {
  return async (alert, useCase) => {
    const channel = alertsChannelOf(useCase);
    if (channel === undefined) return;
    const key = alertKey(alert.id);
    await notices.show(key, channel, alertMessage(alert, useCase), { urgent: true });
    // The first call stands in the message itself.
    for (const call of alert.calls?.slice(1) ?? [])
      if (call.to.length > 0 || call.empty.length > 0)
        await notices.post(`${key}/call/${call.why}/${call.at}`, channel, callMessage(alert, call), {
          thread: key,
          urgent: true,
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

/** Due times: levels that did not answer, snoozes that are over. */
export function alertClock(alerts: AlertDesk): Notifier {
  return { tick: () => alerts.tick() };
}
