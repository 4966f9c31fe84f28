/** An open session of a use case's account, as far as SageMaker's side needs it. */
import type { SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import type { UseCase } from '../domain/use-cases.ts';

export interface SageMakerAccess {
  readonly useCase: UseCase;
  /** What a client that asks in the session's name is made with. `maxAttempts` counts the first one. */
  clientConfig(maxAttempts: number): SageMakerClientConfig;
  /** Renews expired credentials once; throws AppError by the table of AWS errors. */
  call<T>(
    context: {
      operation: string;
      actions: readonly string[];
      passes?: { role: string; fix: readonly string[] };
    },
    run: () => Promise<T>,
  ): Promise<T>;
}
