/** A use case's AWS account, opened for one person and one operation. */
import type { SessionOperation } from '../domain/session-name.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { ArtifactLinks } from './artifact-links.ts';
import type { Compiler } from './compiler.ts';
import type { ComponentRegistry } from './component-registry.ts';
import type { DeviceFleet } from './device-fleet.ts';
import type { LogSource } from './log-source.ts';

export interface AwsAccounts {
  /**
   * The same session, and so the same object, as long as its name stands.
   * @throws AppError permission_denied when the role cannot be assumed (hint: the checklist; adminHint: the ARN)
   */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<AwsAccount>;
}

/** What an SDK client is made with, as far as every one needs it. */
export interface AwsClientConfig {
  region: string;
  credentials: () => Promise<{
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
    expiration?: Date;
  }>;
  customUserAgent: [string, string][];
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number };
}

export interface AwsServices {
  /** The log of one compilation job: the streams `<job>` and `<job>/…`. */
  compilationLog(compilationJob: string): LogSource;
  // What follows works as far as the operation that the account was opened for needs it: `train` trains, `comp`
  // compiles and links, `pkg` publishes, `gg` looks at components, `dev` at devices. Anything else is refused by AWS.
  readonly compiler: Compiler;
  readonly artifacts: ArtifactLinks;
  readonly components: ComponentRegistry;
  readonly devices: DeviceFleet;
}

/** What a service's client is made with, and how it asks. */
export type AwsAccess = Pick<AwsAccount, 'useCase' | 'clientConfig' | 'call'>;

export interface AwsAccount extends AwsServices {
  readonly useCase: UseCase;
  /** As CloudTrail shows it; kept in the audit record (S4). */
  readonly sessionName: string;
  /** What a client that asks in the session's name is made with. `maxAttempts` counts the first one. */
  clientConfig(maxAttempts: number): AwsClientConfig;
  /** Renews expired credentials once; throws AppError by the table of AWS errors. */
  call<T>(
    context: {
      operation: string;
      actions: readonly string[];
      passes?: { role: string; fix: readonly string[] };
    },
    run: () => Promise<T>,
  ): Promise<T>;
  /** The streams `<job>/…` of a CloudWatch log group; with `ownStream` also `<job>` itself. */
  log(group: string, job: string, options?: { ownStream?: boolean }): LogSource;
}
