/** The log groups and streams of one account in one region. */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { clipSeries, type EventSeries, StoredSeries } from './event-series.ts';

export interface LogStreamSeed {
  name: string;
  /** May lie in the future: the stream is not there before. */
  createdAt: EpochMs;
  series: EventSeries;
}

export const LOG_GROUP_CLASSES = ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY', 'ESSENTIALS'] as const;

export type LogGroupClass = (typeof LOG_GROUP_CLASSES)[number];

export interface LogGroupSeed extends LogGroupSettings {
  name: string;
  createdAt: EpochMs;
  /** Left out: `STANDARD`. */
  class?: LogGroupClass;
  streams?: readonly LogStreamSeed[];
}

export interface LogGroupSettings {
  /** Events that are older are not given out. Left out: for ever. */
  retentionInDays?: number;
  /** ARN. There is no KMS here, so that only a seed can say it. */
  kmsKeyId?: string;
  /** CloudWatch Logs may not use the key (any more): whoever reads or writes is refused. */
  kmsRefuses?: boolean;
  /** Only said: what a policy masks is up to whoever seeds the events. */
  dataProtectionStatus?: 'ACTIVATED' | 'DELETED' | 'ARCHIVED' | 'DISABLED';
  inheritedProperties?: readonly 'ACCOUNT_DATA_PROTECTION'[];
}

export interface LogStream extends LogStreamSeed {
  series: EventSeries;
}

export interface LogGroup {
  readonly name: string;
  readonly createdAt: EpochMs;
  readonly class: LogGroupClass;
  readonly streams: Map<string, LogStream>;
  settings: LogGroupSettings;
}

export class LogStore {
  readonly #groups = new Map<string, LogGroup>();

  groups(): LogGroup[] {
    return [...this.#groups.values()].sort(byName);
  }

  /** @throws AwsError ResourceNotFoundException, also when its first stream is yet to come */
  group(name: string, now: EpochMs): LogGroup {
    const group = this.#groups.get(name);
    if (!group || group.createdAt > now)
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  /** By name. */
  streams(group: string, now: EpochMs): LogStream[] {
    return [...this.group(group, now).streams.values()]
      .filter((stream) => stream.createdAt <= now)
      .sort(byName);
  }

  /** @throws AwsError ResourceNotFoundException */
  stream(group: string, name: string, now: EpochMs): LogStream {
    const stream = this.group(group, now).streams.get(name);
    if (!stream || stream.createdAt > now) {
      throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    }
    return stream;
  }

  /** @throws AwsError ResourceAlreadyExistsException */
  createGroup(
    name: string,
    createdAt: EpochMs,
    groupClass: LogGroupClass = 'STANDARD',
    settings: LogGroupSettings = {},
  ): void {
    const planned = this.#groups.get(name);
    if (planned && planned.createdAt <= createdAt) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    const streams = planned?.streams ?? new Map();
    this.#groups.set(name, { name, createdAt, class: groupClass, streams, settings });
  }

  /** @throws AwsError ResourceAlreadyExistsException, ResourceNotFoundException */
  createStream(group: string, name: string, now: EpochMs): void {
    const { streams } = this.group(group, now);
    if (streams.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    streams.set(name, { name, createdAt: now, series: new StoredSeries() });
  }

  deleteGroup(name: string, now: EpochMs): void {
    this.group(name, now);
    this.#groups.delete(name);
  }

  deleteStream(group: string, name: string, now: EpochMs): void {
    this.stream(group, name, now);
    this.group(group, now).streams.delete(name);
  }

  /** Puts streams in place, with their group where it is not there yet. */
  seed({ name, createdAt, class: groupClass, streams: seeded = [], ...settings }: LogGroupSeed): void {
    const present = this.#groups.get(name);
    if (!present) this.createGroup(name, createdAt, groupClass, settings);
    else if (createdAt < present.createdAt) this.#groups.set(name, { ...present, createdAt });
    const { streams } = this.#groups.get(name)!;
    for (const stream of seeded) streams.set(stream.name, { ...stream });
  }

  /** What a service's own work writes: the group is there from the first of the streams on. */
  seedStreams(group: string, streams: readonly LogStreamSeed[]): void {
    if (streams.length === 0) return;
    const createdAt = Math.min(...streams.map((stream) => stream.createdAt));
    this.seed({ name: group, createdAt, streams });
  }

  /**
   * Whoever writes them is stopped: no streams after `now`, no events after `until`.
   * @returns those that are left
   */
  cutStreams(
    group: string,
    streams: readonly LogStreamSeed[],
    now: EpochMs,
    until: EpochMs,
  ): LogStreamSeed[] {
    const left = streams
      .filter(({ createdAt }) => createdAt <= now)
      .map((stream) => ({ ...stream, series: clipSeries(stream.series, until) }));
    for (const { name } of streams) this.#groups.get(group)?.streams.delete(name);
    this.seedStreams(group, left);
    return left;
  }
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
