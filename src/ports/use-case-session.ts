/** A use case's AWS account, opened for one person and one operation. */

import type { SessionOperation } from '../domain/session-name.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { ArtifactLinks } from './artifact-links.ts';
import type { Compiler } from './compiler.ts';
import type { ComponentRegistry } from './component-registry.ts';
import type { DeviceFleet } from './device-fleet.ts';
import type { LogSource } from './log-source.ts';
import type { JobCatalog, TrainingProvider } from './training.ts';

/** Opens a use case's AWS account for one person and one operation. */
export interface UseCaseGateway {
  /**
   * @throws AppError permission_denied when the role cannot be assumed (hint: the checklist; adminHint: the ARN)
   */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<UseCaseSession>;
}

export interface UseCaseSession {
  /** As CloudTrail shows it; kept in the audit record (S4). */
  readonly sessionName: string;
  readonly jobs: JobCatalog;
  /** The log of one training job. */
  trainingLog(job: string): LogSource;
  /** The log of one compilation job: the streams `<job>` and `<job>/…`. */
  compilationLog(compilationJob: string): LogSource;
  // What follows works as far as the operation that the session was opened for needs it: `train` trains, `comp`
  // compiles and links, `pkg` publishes, `gg` looks at components, `dev` at devices. Anything else is refused by AWS.
  readonly training: TrainingProvider;
  readonly compiler: Compiler;
  readonly artifacts: ArtifactLinks;
  readonly components: ComponentRegistry;
  readonly devices: DeviceFleet;
}
