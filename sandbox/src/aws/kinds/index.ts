/** SageMaker's kinds of work besides training and compiling: one row each, and what is kept of them in a place. */
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import type { Iam } from '../iam.ts';
import type { AwsCall, AwsOperation } from '../service.ts';
import { cluster } from './clusters.ts';
import { endpoint } from './endpoints.ts';
import { job } from './jobs.ts';
import type { Kind, KindPlace } from './kind.ts';
import { notebook } from './notebooks.ts';
import { type KindSettings, kindOperations } from './operations.ts';
import { pipeline } from './pipelines.ts';
import { processing } from './processing.ts';
import { resourceName } from './tags.ts';
import { transform } from './transform.ts';
import { tuning } from './tuning.ts';
import type { WorkSeed } from './work.ts';
import { WorkStore } from './work-store.ts';

/** The table: a new kind is a row here and its seeds' type in `KindSeeds`. */
export const KINDS = {
  processing,
  transform,
  tuning,
  pipeline,
  endpoint,
  notebook,
  cluster,
  job,
} as const;

export type KindName = keyof typeof KINDS;
type SeedOf<K extends KindName> = (typeof KINDS)[K] extends Kind<infer S> ? S : never;
/** What a region starts with. */
export type KindSeeds = { readonly [K in KindName]?: readonly SeedOf<K>[] };
export type KindStores = { readonly [K in KindName]: WorkStore<SeedOf<K>> };

const KIND_NAMES = Object.keys(KINDS) as KindName[];

export function kindStores(where: Omit<KindPlace, 'stop'>): Pick<KindPlace, 'stop'> & { kinds: KindStores } {
  const stop: KindPlace['stop'] = (arn, now) => stopByArn([where.jobs, ...Object.values(kinds)], arn, now);
  const kinds = Object.fromEntries(
    Object.entries(KINDS).map(([name, kind]) => [name, new WorkStore(kind as Kind, { ...where, stop })]),
  ) as unknown as KindStores;
  return { kinds, stop };
}

/** What has ended, and what is not of these stores, is left as it is. */
function stopByArn(
  stores: readonly { arn(name: string): string; stop(name: string, now: EpochMs): void }[],
  arn: string,
  now: EpochMs,
): void {
  const name = resourceName(arn);
  const store = stores.find((one) => one.arn(name) === arn);
  try {
    store?.stop(name, now);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
  }
}

export function seedKinds(stores: KindStores, seeds: KindSeeds): void {
  for (const name of KIND_NAMES)
    for (const seed of seeds[name] ?? []) (stores[name] as WorkStore).seed(seed as WorkSeed);
}

/** @param settings read at each use */
export function kindsOperations(
  placeOf: (call: AwsCall) => KindPlace & { kinds: KindStores },
  iam: Iam,
  settings: KindSettings,
): Record<string, AwsOperation> {
  return Object.assign(
    {},
    ...KIND_NAMES.map((name) =>
      kindOperations(
        KINDS[name] as Kind,
        (call) => placeOf(call).kinds[name] as WorkStore,
        placeOf,
        iam,
        settings,
      ),
    ),
  );
}
