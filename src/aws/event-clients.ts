/** The SDK's clients for the bot's events, and how a call with them fails. The SDK is loaded only when needed. */
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { awsErrorToAppError } from './errors.ts';

export interface EventClients {
  sqs: Pick<SQSClient, 'send'>;
  eventBridge: Pick<EventBridgeClient, 'send'>;
}

/** Runs a call. @throws AppError by the table of AWS errors, naming the operation and its IAM actions */
export async function asked<T>(
  operation: string,
  actions: readonly string[],
  region: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw awsErrorToAppError(error, { operation, actions, region });
  }
}

/** @param given clients to use instead of own ones; these are not destroyed */
export async function openEventClients(
  { region }: { region: string },
  given: EventClients | undefined,
): Promise<{ clients: EventClients; destroy(): void }> {
  if (given) return { clients: given, destroy: () => {} };
  const [{ SQSClient }, { EventBridgeClient }] = await Promise.all([
    import('@aws-sdk/client-sqs'),
    import('@aws-sdk/client-eventbridge'),
  ]);
  const options = { region, requestHandler: { connectionTimeout: 5_000, requestTimeout: 15_000 } };
  const sqs = new SQSClient(options);
  const eventBridge = new EventBridgeClient(options);
  return {
    clients: { sqs, eventBridge },
    destroy: () => {
      sqs.destroy();
      eventBridge.destroy();
    },
  };
}
