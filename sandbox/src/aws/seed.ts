/** What an AWS sandbox starts with: accounts, who may enter them, their training jobs and logs. */
import type { EpochMs } from '../time.ts';
import type { AlarmSeed } from './alarms.ts';
import type { CompilationSeed } from './compilations.ts';
import type { ComponentSeed } from './component-store.ts';
import type { EventBusSeed } from './event-buses.ts';
import type { CoreDeviceSeed, DeploymentSeed } from './fleet.ts';
import type { RoleSeed, UserSeed } from './iam.ts';
import type { KindSeeds } from './kinds/index.ts';
import type { LogGroupSeed } from './log-store.ts';
import type { BucketSeed } from './object-store.ts';
import type { QueueSeed } from './queue-store.ts';
import type { TrainingJobSeed } from './training.ts';

export interface AwsWorld {
  accounts: readonly AccountSeed[];
}

export interface AccountSeed {
  /** 12 digits. */
  id: string;
  users?: readonly UserSeed[];
  roles?: readonly RoleSeed[];
  regions?: Readonly<Record<string, RegionSeed>>;
}

export interface RegionSeed {
  /** With their log streams, which come into the group of training logs. */
  trainingJobs?: readonly TrainingJobSeed[];
  /** SageMaker's other kinds of work, with their log streams too. */
  kinds?: KindSeeds;
  logGroups?: readonly LogGroupSeed[];
  buckets?: readonly BucketSeed[];
  objects?: readonly ObjectSeed[];
  /** Training job → its `model.tar.gz`; left out: one that fits what the job says of itself. */
  models?: Readonly<Record<string, () => Buffer>>;
  compilations?: readonly CompilationSeed[];
  components?: readonly ComponentSeed[];
  devices?: readonly CoreDeviceSeed[];
  deployments?: readonly DeploymentSeed[];
  alarms?: readonly AlarmSeed[];
  /** A dead-letter queue before those that give messages up to it. */
  queues?: readonly QueueSeed[];
  /** With their rules; each region has a `default` one anyway. */
  eventBuses?: readonly EventBusSeed[];
}

export interface ObjectSeed {
  bucket: string;
  key: string;
  at: EpochMs;
  bytes: () => Buffer;
}
