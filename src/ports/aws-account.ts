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
   * The same session, and so the same object, until its name changes.
   * @throws AppError permission_denied when the role cannot be assumed (hint: the checklist; adminHint: the ARN)
   */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<AwsAccount>;
}

/** The configuration that every SDK client needs. */
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
  // Each of these works only if the operation that the account was opened for needs it: `train` trains, `comp` compiles
  // and links, `pkg` publishes, `gg` reads components, `dev` reads devices. AWS refuses anything else.
  readonly compiler: Compiler;
  readonly artifacts: ArtifactLinks;
  readonly components: ComponentRegistry;
  readonly devices: DeviceFleet;
}

/** How to make a service's client, and how to call it. */
export type AwsAccess = Pick<AwsAccount, 'useCase' | 'clientConfig' | 'paced' | 'call'>;

export interface AwsAccount extends AwsServices {
  readonly useCase: UseCase;
  /** As CloudTrail shows it; kept in the audit record (S4). */
  readonly sessionName: string;
  /** For a client that calls in the session's name. `maxAttempts` includes the first. */
  clientConfig(maxAttempts: number): AwsClientConfig;
  /** The same client: where the account may ask only a few times a second, its requests wait for their turn. */
  paced<T>(client: T): T;
  /** Renews expired credentials once; throws AppErrors from the table of AWS errors. */
  call<T>(
    context: {
      operation: string;
      actions: readonly string[];
      passes?: { role: string; fix: readonly string[] };
    },
    run: () => Promise<T>,
  ): Promise<T>;
  /**
   * The streams `<job>/…` of a CloudWatch log group; with `ownStream` also `<job>` itself; with `prefix` all that begin
   * so instead, whatever the job is called.
   */
  log(group: string, job: string, options?: { ownStream?: boolean; prefix?: string }): LogSource;
}
