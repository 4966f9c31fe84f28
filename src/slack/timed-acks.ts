/** How long Slack waits to hear that something was received, from when it came in. */
import type { App, ReceiverEvent } from '@slack/bolt';
import { begun, isObserved } from '../ground/observed.ts';

/** The one method of an app that receivers call, each of whose acknowledgements is observed. */
export function withTimedAcks(app: App): App {
  const timed: Pick<App, 'processEvent'> = {
    processEvent: (event) => app.processEvent(isObserved() ? timedEvent(event) : event),
  };
  return timed as App;
}

function timedEvent(event: ReceiverEvent): ReceiverEvent {
  const acknowledged = begun({ kind: 'ack', name: typeOf(event.body) });
  return {
    ...event,
    ack: async (response) => {
      try {
        await event.ack(response);
        acknowledged();
      } catch (error) {
        acknowledged('failed');
        throw error;
      }
    },
  };
}

const TYPES = new Set([
  'block_actions',
  'block_suggestion',
  'event_callback',
  'message_action',
  'shortcut',
  'view_closed',
  'view_submission',
]);

/** `command`, or what Slack calls it; `other` for what this version does not know. */
function typeOf({ command, type }: { command?: unknown; type?: unknown }): string {
  if (typeof command === 'string') return 'command';
  return typeof type === 'string' && TYPES.has(type) ? type : 'other';
}
