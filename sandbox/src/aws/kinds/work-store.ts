/** What there is of one kind in one account and region. */
import type { EpochMs } from '../../time.ts';
import { AwsError, nameTaken } from '../errors.ts';
import { checkInstances } from '../instance-quotas.ts';
import type { Kind, KindPlace, Works } from './kind.ts';
import { INVALID } from './list.ts';
import { picked, stateOf, timeMember, type Work, type WorkSeed, type WorkState } from './work.ts';

export class WorkStore<S extends WorkSeed = WorkSeed> implements Works<S> {
  readonly kind: Kind<S>;
  readonly #place: KindPlace;
  readonly #works = new Map<string, Work<S>>();

  constructor(kind: Kind<S>, place: KindPlace) {
    this.kind = kind;
    this.#place = place;
  }

  /** Makes it, or puts it in place of one of the same name. */
  seed(seed: S): Work<S> {
    const work: Work<S> = { ...seed, transitions: [...seed.transitions], tags: { ...seed.tags } };
    this.#works.set(seed.name, work);
    const group = this.kind.group?.(seed);
    if (group !== undefined) this.#place.logs.seedStreams(group, seed.streams ?? []);
    this.kind.placed?.(seed, this.#place, this.arn(seed.name));
    return work;
  }

  /**
   * @param limit instances of one type that may be in use
   * @throws AwsError ResourceInUse, ResourceLimitExceeded
   */
  create(seed: S, now: EpochMs, limit: number): string {
    const { words, create } = this.kind;
    const arn = this.arn(seed.name);
    if (this.#works.has(seed.name)) throw nameTaken(words, arn);
    const taken = create?.instances?.(seed);
    if (taken) checkInstances(words, { ...taken, used: this.#used(taken.type, now), limit });
    this.seed(seed);
    return arn;
  }

  /** @throws AwsError in the kind's words, when it does not run (any more) */
  stop(asked: string, now: EpochMs): void {
    const { stop, words, group } = this.kind;
    const work = this.named(asked, now);
    const { name } = work;
    const { status } = this.state(work, now);
    if (!stop || status === stop.via.status) return;
    if (!stop.from.includes(status)) {
      throw (
        stop.refused?.(status, this.arn(name)) ??
        new AwsError(INVALID, `The request was rejected because the ${words} is in status ${status}.`)
      );
    }
    work.transitions = [
      ...work.transitions.filter(({ at }) => at <= now),
      { at: now, ...stop.via },
      { at: now + stop.ms, ...stop.to },
    ];
    if (group !== undefined)
      work.streams = this.#place.logs.cutStreams(group(work), work.streams ?? [], now, now + stop.ms / 2);
    stop.also?.(work, this.#place, now);
  }

  /** Those that exist at `now`. */
  all(now: EpochMs): Work<S>[] {
    return [...this.#works.values()].filter(({ transitions }) => transitions[0]!.at <= now);
  }

  /** @throws AwsError in the kind's words for what is not there */
  get(name: string, now: EpochMs): Work<S> {
    const work = this.#works.get(name);
    if (!work || work.transitions[0]!.at > now) throw this.kind.missing(name, this.arn(name));
    return work;
  }

  /** @param asked a name, or an ARN where the service takes either */
  named(asked: string, now: EpochMs): Work<S> {
    return this.byArn(asked, now) ?? this.get(asked, now);
  }

  byArn(arn: string, now: EpochMs): Work<S> | undefined {
    if (!arn.startsWith('arn:')) return undefined;
    return this.all(now).find(({ name }) => this.arn(name) === arn);
  }

  /** Of what has an ARN of its own, or of what is asked for by one. */
  arn(name: string): string {
    if (name.startsWith('arn:')) return name;
    const { account, region } = this.#place;
    const { resource, arnOf = (same: string) => same } = this.kind;
    return `arn:aws:sagemaker:${region}:${account}:${resource}/${arnOf(name)}`;
  }

  state(work: Work<S>, now: EpochMs): WorkState {
    return stateOf(work, now, this.kind);
  }

  description(work: Work<S>, now: EpochMs): Record<string, unknown> {
    const { kind } = this;
    const { members } = kind;
    const state = this.state(work, now);
    return {
      [kind.name.member]: work.name,
      [members.arn]: this.arn(work.name),
      [members.status]: state.status,
      ...(members.secondary === undefined ? {} : { [members.secondary]: state.secondary }),
      ...timeMember('CreationTime', state.createdAt),
      ...timeMember(members.modified, state.changedAt),
      ...timeMember(members.started, state.startedAt),
      ...timeMember(members.ended, state.endedAt),
      ...(members.failure !== undefined && state.status === 'Failed'
        ? {
            [members.failure]:
              work.failureReason ??
              'InternalServerError: We encountered an internal error. Please try again.',
          }
        : {}),
      ...kind.describe?.(work, state, this.#place, now),
      ...work.details,
      ...(state.endedAt === undefined ? {} : work.outcome),
    };
  }

  summary(work: Work<S>, now: EpochMs): Record<string, unknown> {
    const { summary, summaryOf } = this.kind;
    const found = picked(this.description(work, now), summary);
    return summaryOf ? Object.assign(found, summaryOf(work, this.state(work, now), this.#place, now)) : found;
  }

  /** Instances of a type that are taken. */
  #used(type: string, now: EpochMs): number {
    return this.all(now)
      .filter((work) => this.state(work, now).endedAt === undefined)
      .map((work) => this.kind.create?.instances?.(work))
      .reduce((sum, taken) => sum + (taken?.type === type ? taken.count : 0), 0);
  }
}
