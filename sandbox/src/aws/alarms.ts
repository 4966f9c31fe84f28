/** CloudWatch alarms of one account in one region: only that they change their state. */
import type { EpochMs } from '../time.ts';

export type AlarmValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

interface AlarmState {
  at: EpochMs;
  value: AlarmValue;
  reason: string;
}

export interface AlarmSeed {
  name: string;
  description?: string;
  metric: { namespace: string; name: string; dimensions: Readonly<Record<string, string>> };
  /** Seconds. */
  period: number;
  statistic: string;
  /** Ascending; the first one is what it starts with. Those in the future come about by themselves. */
  states: readonly AlarmState[];
}

export interface Alarm extends AlarmSeed {
  states: AlarmState[];
}

export class AlarmStore {
  readonly #alarms = new Map<string, Alarm>();
  readonly #account: string;
  readonly #region: string;

  constructor(account: string, region: string) {
    this.#account = account;
    this.#region = region;
  }

  seed(alarm: AlarmSeed): void {
    this.#alarms.set(alarm.name, { ...alarm, states: [...alarm.states] });
  }

  all(): Alarm[] {
    return [...this.#alarms.values()];
  }

  /** From now on, until a seeded change. @returns whether there is such an alarm */
  set(name: string, value: AlarmValue, reason: string, now: EpochMs): boolean {
    const alarm = this.#alarms.get(name);
    if (!alarm) return false;
    const latest = alarm.states.findLast(({ at }) => at <= now);
    if (latest?.value === value) return true;
    alarm.states.push({ at: now, value, reason });
    alarm.states.sort((a, b) => a.at - b.at);
    return true;
  }

  arn(name: string): string {
    return `arn:aws:cloudwatch:${this.#region}:${this.#account}:alarm:${name}`;
  }

  /** The `detail` of the event for the change to the state at `index`. */
  detail(alarm: Alarm, index: number): Record<string, unknown> {
    const previous = alarm.states[index - 1];
    const { namespace, name, dimensions } = alarm.metric;
    return {
      alarmName: alarm.name,
      configuration: {
        ...(alarm.description === undefined ? {} : { description: alarm.description }),
        metrics: [
          {
            id: 'm1',
            metricStat: {
              metric: { namespace, name, dimensions },
              period: alarm.period,
              stat: alarm.statistic,
            },
            returnData: true,
          },
        ],
      },
      ...(previous === undefined ? {} : { previousState: stateDetail(previous) }),
      state: stateDetail(alarm.states[index]!),
    };
  }
}

const stateDetail = ({ at, value, reason }: AlarmState) => ({
  value,
  reason,
  // CloudWatch's own notation: no `Z`, no colon in the offset.
  timestamp: new Date(at).toISOString().replace('Z', '+0000'),
});
