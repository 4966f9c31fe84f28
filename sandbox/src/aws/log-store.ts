/** The log groups and streams of one account in one region. */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { type EventSeries, StoredSeries } from './event-series.ts';

export interface LogStreamSeed {
  name: string;
  /** May lie in the future: the stream is not there before. */
  createdAt: EpochMs;
  series: EventSeries;
}

export type LogGroupClass = 'STANDARD' | 'INFREQUENT_ACCESS' | 'DELIVERY';

export interface LogGroupSeed {
  name: string;
  createdAt: EpochMs;
  /** Left out: `STANDARD`. */
  class?: LogGroupClass;
  streams?: readonly LogStreamSeed[];
}

export interface LogStream extends LogStreamSeed {
  series: EventSeries;
}

interface LogGroup {
  name: string;
  createdAt: EpochMs;
  class: LogGroupClass;
  streams: Map<string, LogStream>;
}

export class LogStore {
  readonly #groups = new Map<string, LogGroup>();

  groups(): LogGroup[] {
    return [...this.#groups.values()].sort(byName);
  }

  /** @throws AwsError ResourceNotFoundException */
  group(name: string): LogGroup {
    const group = this.#groups.get(name);
    if (!group) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  /** By name. */
  streams(group: string, now: EpochMs): LogStream[] {
    return [...this.group(group).streams.values()].filter((stream) => stream.createdAt <= now).sort(byName);
  }

  /** @throws AwsError ResourceNotFoundException */
  stream(group: string, name: string, now: EpochMs): LogStream {
    const stream = this.group(group).streams.get(name);
    if (!stream || stream.createdAt > now) {
      throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    }
    return stream;
  }

  /** @throws AwsError ResourceAlreadyExistsException */
  createGroup(name: string, createdAt: EpochMs, groupClass: LogGroupClass = 'STANDARD'): void {
    if (this.#groups.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    this.#groups.set(name, { name, createdAt, class: groupClass, streams: new Map() });
  }

  /** @throws AwsError ResourceAlreadyExistsException, ResourceNotFoundException */
  createStream(group: string, name: string, now: EpochMs): void {
    const { streams } = this.group(group);
    if (streams.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    streams.set(name, { name, createdAt: now, series: new StoredSeries() });
  }

  deleteGroup(name: string): void {
    this.group(name);
    this.#groups.delete(name);
  }

  deleteStream(group: string, name: string, now: EpochMs): void {
    this.stream(group, name, now);
    this.group(group).streams.delete(name);
  }

  /** Puts streams in place, with their group where it is not there yet. */
  seed(group: LogGroupSeed): void {
    if (!this.#groups.has(group.name)) this.createGroup(group.name, group.createdAt, group.class);
    const { streams } = this.group(group.name);
    for (const stream of group.streams ?? []) streams.set(stream.name, { ...stream });
  }
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
