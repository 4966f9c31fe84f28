/** What EventBridge hears of SageMaker's kinds of work. */
import type { EpochMs } from '../../time.ts';
import type { Kind, KindChange } from './kind.ts';
import { inMilliseconds } from './milliseconds.ts';
import type { Work } from './work.ts';
import type { WorkStore } from './work-store.ts';

/** Of one store, by now. @param isTold of a mark: old news, of which there is far more than news, is not made */
export function* kindChanges(
  store: WorkStore,
  now: EpochMs,
  isTold: (mark: object) => boolean,
): Generator<KindChange> {
  const { kind } = store;
  for (const work of store.all(now)) {
    if (work.untold) continue;
    if (kind.event) yield* ownChanges(store, kind.event, work, now, isTold);
    if (kind.changes)
      for (const change of kind.changes(work, store.arn(work.name), now))
        if (!isTold(change.mark)) yield change;
  }
}

function* ownChanges(
  store: WorkStore,
  { detailType, detail = withTags }: NonNullable<Kind['event']>,
  work: Work,
  now: EpochMs,
  isTold: (mark: object) => boolean,
): Generator<KindChange> {
  for (const [index, transition] of work.transitions.entries()) {
    if (transition.at > now) break;
    if (isTold(transition)) continue;
    yield {
      mark: transition,
      key: `${store.kind.resource}/${work.name}/${index}`,
      at: transition.at,
      detailType,
      resources: [store.arn(work.name)],
      detail: () => detail(inMilliseconds(store.description(work, transition.at)), work),
    };
  }
}

const withTags = (description: Readonly<Record<string, unknown>>, { tags }: Work) => ({
  ...description,
  Tags: { ...tags },
});
