/** A kind's operations, made of its row: list, describe and, where the service has them, stop and create. */
import type { Iam } from '../iam.ts';
import { passRole } from '../pass-role.ts';
import type { AwsAnswer, AwsCall, AwsOperation } from '../service.ts';
import type { Parameters } from '../validation.ts';
import type { Kind, KindPlace } from './kind.ts';
import { type ListOddities, type ListRow, listPage } from './list.ts';
import { reading } from './request.ts';
import type { WorkSeed } from './work.ts';
import type { WorkStore } from './work-store.ts';

export interface KindSettings extends ListOddities {
  /** Instances of one type that an account may use in a region for each kind of work. */
  trainingInstances: number;
}

export const NOTHING: AwsAnswer = { chunks: [], events: 0 };

/** @param settings read at each use */
export function kindOperations<S extends WorkSeed>(
  kind: Kind<S>,
  storeOf: (call: AwsCall) => WorkStore<S>,
  placeOf: (call: AwsCall) => KindPlace,
  iam: Iam,
  settings: KindSettings,
): Record<string, AwsOperation> {
  const { operations } = kind;
  /** @param category already checked */
  const keyOf = (name: string, category?: string) => (category === undefined ? name : `${category}/${name}`);
  const readCategory = (call: AwsCall, read: Parameters): string | undefined => {
    const { within } = kind;
    if (!within) return undefined;
    const names = storeOf(call)
      .all(call.now)
      .map(({ name }) => name);
    return read.need(within.member, { values: within.values(names) });
  };
  const named = (call: AwsCall) => {
    const { name, within } = kind;
    const category = within && String(call.input[within.member]);
    return [storeOf(call).arn(keyOf(String(call.input[name.member]), category))];
  };
  const on = (operation: string, handle: (call: AwsCall, name: string) => AwsAnswer): AwsOperation => ({
    action: `sagemaker:${operation}`,
    resources: named,
    handle: (call) => {
      const read = reading(call);
      const name = read.need(kind.name.member, kind.name.rule);
      const category = readCategory(call, read);
      read.check();
      return handle(call, keyOf(name, category));
    },
  });
  const found: Record<string, AwsOperation> = {
    [operations.describe]: on(operations.describe, (call, name) => {
      const store = storeOf(call);
      return { body: store.description(store.named(name, call.now), call.now) };
    }),
  };
  if (kind.list)
    found[kind.list.operation] = listOperation(kind.list, settings, (call, read) => {
      const store = storeOf(call);
      const category = readCategory(call, read);
      return () =>
        store
          .all(call.now)
          .filter(({ name }) => category === undefined || name.startsWith(`${category}/`))
          .map((work) => store.summary(work, call.now));
    });
  if (operations.stop !== undefined)
    found[operations.stop] = on(operations.stop, (call, name) => {
      storeOf(call).stop(name, call.now);
      return NOTHING;
    });
  const { create } = kind;
  if (operations.create !== undefined && create)
    found[operations.create] = {
      action: `sagemaker:${operations.create}`,
      resources: named,
      handle: (call) => {
        const { seed, roleArn } = create.read(call, placeOf(call));
        if (roleArn !== undefined) passRole(iam, call, roleArn);
        const store = storeOf(call);
        // Tags at the creation are a right of their own.
        if (Object.keys(seed.tags ?? {}).length > 0)
          iam.authorize(call.principal, 'sagemaker:AddTags', [store.arn(seed.name)], call.region);
        const arn = store.create(seed, call.now, settings.trainingInstances);
        return { body: { [kind.members.arn]: arn } };
      },
    };
  return { ...found, ...kind.more?.({ works: storeOf, placeOf, settings }) };
}

/** @param summaries reads what it needs of the request, and then says what there is */
export function listOperation(
  row: ListRow,
  settings: ListOddities,
  summaries: (call: AwsCall, read: Parameters) => () => readonly Readonly<Record<string, unknown>>[],
): AwsOperation {
  return {
    action: `sagemaker:${row.operation}`,
    handle: (call) => {
      const read = reading(call);
      return listPage(row, call, read, summaries(call, read), settings);
    },
  };
}
