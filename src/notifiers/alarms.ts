/** CloudWatch alarms: announced, and raised as alerts, only where somebody subscribed to them. */
import { alarmAnnouncement } from '../blocks/announcements.ts';
import { type AlarmEvent, thingsOf } from '../domain/aws-events.ts';
import { alarmUrl, inConsole } from '../domain/console-links.ts';
import { matchesSubscription, type SubscriptionEvent } from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { alertsChannelOf, announce, isStale, type ReportDeps } from './notifier.ts';

export function alarmNotifier(deps: ReportDeps): {
  onAlarm(event: AlarmEvent, useCase: UseCase): Promise<void>;
} {
  const { store, alerts } = deps;

  return {
    async onAlarm(event, useCase) {
      const { alarm, state, resource, at } = event;
      const pipeline = `alarm ${resource}`;
      if (state === 'OK') await alerts.succeeded(useCase, { kind: 'alarm', pipeline, at });
      if (await isStale(store, thingsOf(event), at)) return;
      const news: SubscriptionEvent = {
        useCase: useCase.id,
        kind: 'alarm',
        name: alarm,
        outcome: state === 'ALARM' ? 'failed' : state === 'OK' ? 'succeeded' : 'warning',
      };
      // An account has alarms that nobody here cares about, so only subscribed ones call somebody.
      const wanted = (await store.listSubscriptions({ useCase: useCase.id })).some((one) =>
        matchesSubscription(one, news),
      );
      if (!wanted) return;
      const alert =
        state === 'ALARM'
          ? await alerts.raise(useCase, {
              kind: 'alarm',
              title: 'CloudWatch alarm',
              cause: event.reason ?? '',
              scope: resource,
              subject: {
                id: `alarm/${resource}/${at}`,
                name: alarm,
                pipeline,
                at,
                console: inConsole(useCase, alarmUrl, alarm),
              },
            })
          : undefined;
      await announce(
        deps,
        news,
        `alarm/${useCase.id}/${resource}/${at}/${state}`,
        alarmAnnouncement(event, useCase),
        { except: alert && alertsChannelOf(useCase) },
      );
    },
  };
}
