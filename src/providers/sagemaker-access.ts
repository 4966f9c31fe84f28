/** An open session of a use case's account, as far as SageMaker's side needs it. */
import type { SageMakerClientConfig } from '@aws-sdk/client-sagemaker';
import type { UseCase } from '../domain/use-cases.ts';

/** Of a client that asks in this session's name. */
export const clientConfig = (
  { useCase, sessionName, credentials }: SageMakerAccess,
  maxAttempts: number,
): SageMakerClientConfig => ({
  region: useCase.region,
  credentials,
  customUserAgent: [['signalbox', sessionName]],
  maxAttempts,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000 },
});

export interface SageMakerAccess {
  readonly useCase: UseCase;
  readonly sessionName: string;
  readonly credentials: NonNullable<SageMakerClientConfig['credentials']>;
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
