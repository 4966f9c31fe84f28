/** Everything that the services keep, account by account and region by region, and what the clock does to it. */
import type { EpochMs } from '../time.ts';
import { AlarmStore } from './alarms.ts';
import { type CompilationSettings, CompilationStore } from './compilations.ts';
import { ComponentStore } from './component-store.ts';
import { Fleet } from './fleet.ts';
import type { Iam } from './iam.ts';
import { type KindStores, kindStores, seedKinds } from './kinds/index.ts';
import type { KindPlace } from './kinds/kind.ts';
import type { TaggedStore } from './kinds/tags.ts';
import { LogStore } from './log-store.ts';
import { ObjectStore, parseS3Uri } from './object-store.ts';
import { publicComponents } from './public-components.ts';
import type { AwsWorld, RegionSeed } from './seed.ts';
import { trainedArchive, uploadProblem } from './trained-model.ts';
import { type TrainingJob, type TrainingSettings, TrainingStore } from './training.ts';

export interface StoreSettings extends CompilationSettings, TrainingSettings {
  /** How long a new component version takes to become deployable, ms. */
  componentMs: number;
  /** How long a healthy device needs for a deployment, ms. */
  deploymentMs: number;
}

export interface Place extends KindPlace {
  compilations: CompilationStore;
  kinds: KindStores;
  components: ComponentStore;
  fleet: Fleet;
  alarms: AlarmStore;
  models: Record<string, () => Buffer>;
  /** Jobs whose model is in S3. */
  delivered: Set<TrainingJob>;
}

export class Stores {
  readonly objects: ObjectStore;
  readonly #places = new Map<string, Place>();
  readonly #iam: Iam;
  readonly #settings: StoreSettings;

  /** @param settings read at each use, so that they may change while the sandbox runs */
  constructor(world: AwsWorld, iam: Iam, objectFolder: string, settings: StoreSettings) {
    this.#iam = iam;
    this.#settings = settings;
    this.objects = new ObjectStore(objectFolder);
    for (const account of world.accounts) {
      for (const user of account.users ?? []) iam.addUser(account.id, user);
      for (const role of account.roles ?? []) iam.addRole(account.id, role);
      for (const [region, seed] of Object.entries(account.regions ?? {})) {
        this.#seed(this.#place(account.id, region), seed);
      }
    }
  }

  readonly logs = (account: string, region: string): LogStore => this.#place(account, region).logs;
  readonly jobs = (account: string, region: string): TrainingStore => this.#place(account, region).jobs;
  readonly compilations = (account: string, region: string): CompilationStore =>
    this.#place(account, region).compilations;
  readonly components = (account: string, region: string): ComponentStore =>
    this.#place(account, region).components;
  readonly fleet = (account: string, region: string): Fleet => this.#place(account, region).fleet;

  readonly alarms = (account: string, region: string): AlarmStore => this.#place(account, region).alarms;

  readonly place = (account: string, region: string): Place => this.#place(account, region);

  /** Of all that SageMaker has there. */
  readonly tagged = (account: string, region: string): TaggedStore[] => {
    const { jobs, compilations, kinds } = this.#place(account, region);
    return [jobs, compilations, ...Object.values(kinds)];
  };

  /** Those where something is, or was asked for. */
  places(): Iterable<Place> {
    return this.#places.values();
  }

  #place(account: string, region: string): Place {
    const key = `${account}/${region}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      const logs = new LogStore();
      const workshop = { iam: this.#iam, objects: this.objects, account, region };
      const components = new ComponentStore(account, region, this.objects, () => this.#settings.componentMs);
      for (const component of publicComponents()) components.seed(component, 'aws');
      const jobs = new TrainingStore(account, region, logs, this.#settings, (job) =>
        uploadProblem(job, account, this.objects, this.#iam),
      );
      place = {
        account,
        region,
        logs,
        jobs,
        ...kindStores({ account, region, logs, jobs }),
        compilations: new CompilationStore(workshop, logs, this.#settings),
        components,
        fleet: new Fleet(account, region, components, () => this.#settings.deploymentMs),
        alarms: new AlarmStore(account, region),
        models: {},
        delivered: new Set(),
      };
      this.#places.set(key, place);
    }
    return place;
  }

  #seed(place: Place, seed: RegionSeed): void {
    const { account, region } = place;
    for (const group of seed.logGroups ?? []) place.logs.seed(group);
    for (const job of seed.trainingJobs ?? []) place.jobs.seed(job);
    for (const bucket of seed.buckets ?? []) this.objects.seedBucket(account, region, bucket);
    for (const { bucket, key, at, bytes } of seed.objects ?? [])
      this.objects.putBytes(bucket, key, bytes(), at);
    seedKinds(place.kinds, seed.kinds ?? {});
    for (const compilation of seed.compilations ?? []) place.compilations.seed(compilation);
    for (const component of seed.components ?? []) place.components.seed(component);
    for (const device of seed.devices ?? []) place.fleet.seedDevice(device);
    for (const deployment of seed.deployments ?? []) place.fleet.seedDeployment(deployment);
    for (const alarm of seed.alarms ?? []) place.alarms.seed(alarm);
    Object.assign(place.models, seed.models);
  }

  /** Brings about what the clock has made due since the last time: models of trained jobs, compiled models. */
  async settle(now: EpochMs): Promise<void> {
    for (const place of this.#places.values()) this.#deliverModels(place, now);
    for (const { compilations } of this.#places.values()) await compilations.settle(now);
  }

  #deliverModels({ jobs, models, delivered }: Place, now: EpochMs): void {
    for (const job of jobs.all(now)) {
      if (delivered.has(job)) continue;
      const model = jobs.model(job, now);
      const location = model && parseS3Uri(model.uri);
      if (!location) continue;
      delivered.add(job);
      const make = models[job.name] ?? (() => trainedArchive(job));
      this.objects.putMade(location.bucket, location.key, make, model.at);
    }
  }
}
