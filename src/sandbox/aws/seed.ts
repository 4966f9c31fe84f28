/** What an AWS sandbox starts with: accounts, who may enter them, their training jobs and logs. */
import type { RoleSeed, UserSeed } from './iam.ts';
import type { LogGroupSeed } from './log-store.ts';
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
  logGroups?: readonly LogGroupSeed[];
}
