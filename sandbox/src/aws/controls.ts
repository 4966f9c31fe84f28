/**
 * Control endpoints of the AWS side, beside those of `../slack/control.ts`:
 *
 * POST /sandbox/aws/events  one event or a list of them, onto the default bus of the account and region that they
 *        name; `{ queue, events }` straight into a queue; `{ queue, bodies }`: texts of any kind → { ids } or { sent }
 * GET  /sandbox/aws/events  → { counts, queues }
 * POST /sandbox/aws/alarm   { name, value, reason? } → {}
 */
import { SandboxError } from '../errors.ts';
import type { AlarmValue } from './alarms.ts';
import type { GivenEvent } from './eventing.ts';
import type { AwsSandbox } from './index.ts';

type Json = Record<string, unknown>;

export function awsControls({ events }: AwsSandbox): Readonly<Record<string, (args: Json) => unknown>> {
  return {
    'GET /sandbox/aws/events': () => ({ counts: events.counts(), queues: events.queues() }),
    'POST /sandbox/aws/events': ({ list, ...args }) => {
      const { queue } = args;
      if (queue === undefined) {
        const given = (list ?? args.events ?? [args]) as GivenEvent[];
        return { ids: events.put(given).map(({ id }) => id) };
      }
      const bodies = args.bodies ?? list ?? args.events;
      if (!Array.isArray(bodies) || bodies.length === 0) {
        throw new SandboxError('invalid_input', '`events` or `bodies` must be a list that is not empty.', {
          hint: 'For example {"queue": "jobs", "bodies": ["not JSON"]}.',
        });
      }
      const texts = bodies.map((body) => (typeof body === 'string' ? body : JSON.stringify(body)));
      events.send(String(queue), texts);
      return { sent: texts.length };
    },
    'POST /sandbox/aws/alarm': ({ name, value, reason }) => {
      const why = reason === undefined ? [] : [String(reason)];
      events.setAlarm(String(name), value as AlarmValue, ...why);
      return {};
    },
  };
}
