/** ListTags and AddTags, for whatever of SageMaker's has an ARN here. */
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import type { AwsCall, AwsOperation } from '../service.ts';
import { INVALID } from './list.ts';
import { reading, tagList, tagsOf } from './request.ts';

/** What stands behind the type: `…:training-job/defects-1` is `defects-1`. */
export const resourceName = (arn: string): string => arn.split(':')[5]?.replace(/^[^/]+\//, '') ?? '';

/** What may have tags: of all stores, whichever their things are. */
export interface TaggedStore {
  arn(name: string): string;
  /** @throws AwsError when it is not there */
  get(name: string, now: EpochMs): { tags: Record<string, string> };
  /** Of those whose ARN is not made of the name as it is. @returns undefined: there is none */
  byArn?(arn: string, now: EpochMs): { tags: Record<string, string> } | undefined;
}

export function tagOperations(
  storesOf: (call: AwsCall) => readonly TaggedStore[],
): Record<string, AwsOperation> {
  const on = (name: string, change: (tags: Record<string, string>, call: AwsCall) => void): AwsOperation => ({
    action: `sagemaker:${name}`,
    resources: (call) => [String(call.input.ResourceArn)],
    handle: (call) => {
      const { tags } = tagged(storesOf(call), call);
      change(tags, call);
      return { body: { Tags: tagList(tags) } };
    },
  });
  return {
    ListTags: on('ListTags', () => {}),
    AddTags: on('AddTags', (tags, call) => {
      Object.assign(tags, tagsOf(reading(call)));
    }),
  };
}

function tagged(stores: readonly TaggedStore[], call: AwsCall): { tags: Record<string, string> } {
  const read = reading(call);
  const arn = read.need('ResourceArn', { max: 256 });
  read.check();
  const name = resourceName(arn);
  for (const store of stores) {
    const found = store.byArn?.(arn, call.now);
    if (found) return found;
    if (store.arn(name) === arn) return store.get(name, call.now);
  }
  throw new AwsError(INVALID, 'Requested resource not found.');
}
