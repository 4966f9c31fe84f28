/** A use case, opened for one person and one operation: where it trains, and its AWS account. */

import type { TrainingJob } from '../domain/jobs.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { SessionOperation } from '../domain/session-name.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { AwsServices } from './aws-account.ts';
import type { JobLinks, TrainingProvider } from './training-provider.ts';

export interface UseCaseGateway {
  /**
   * A provider that cannot be opened is in the session all the same: every call to it fails with the reason, while the
   * others work.
   * @throws AppError if none can be opened, with the first one's reason: permission_denied when the role cannot be
   *   assumed (hint: the checklist; adminHint: the ARN) · invalid_input when no provider trains there
   */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<UseCaseSession>;
  /** Where the use case trains, without opening anything; SageMaker first. */
  trainsOn(useCase: UseCase): readonly ProviderName[];
  /** Where a job's provider shows it, without opening anything. */
  links(useCase: UseCase, job: Pick<TrainingJob, 'name' | 'provider'>): JobLinks;
}

/** Whatever is in AWS throws if there is no account (AppError invalid_input) or it could not be opened. */
export interface UseCaseSession extends AwsServices {
  /** As CloudTrail shows it, if there is an account; kept in the audit record (S4). */
  readonly sessionName: string;
  /** Where its jobs are trained, at least one. To ask about a job, go through operations/job-places.ts. */
  readonly providers: readonly TrainingProvider[];
}
