/** Requests of the AWS SDK's clients, each try of its own: for whoever counts and times them. */
import { observed } from './observed.ts';

/** As much as is needed of a client of any version of the SDK. */
interface SdkClient {
  middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<unknown>,
        context: { clientName?: string; commandName?: string },
      ) => (args: never) => Promise<unknown>,
      options: { step: 'finalizeRequest'; name: string; priority: 'low'; override: true },
    ): void;
  };
}

/** The same client, whose requests are observed: inside the SDK's retries, so that each refusal counts. */
export function watchedClient<T>(client: T): T {
  (client as SdkClient).middlewareStack.add(
    (next, { clientName = 'AWS', commandName = 'unknown' }) => {
      const service = clientName.replace(/Client$/, '');
      const api = commandName.replace(/Command$/, '');
      const work = { kind: 'aws', name: `${service}.${api}`, labels: { service, api } } as const;
      return (args) => observed(work, () => next(args), { error: awsOutcome });
    },
    { step: 'finalizeRequest', name: 'signalboxWatch', priority: 'low', override: true },
  );
  return client;
}

/** Of few values: the service's own names of errors are many. */
function awsOutcome(error: unknown): string {
  const { name = '', $metadata } = (error ?? {}) as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  if (status === 429 || /Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|ThroughputExceeded/.test(name))
    return 'throttled';
  if (name === 'AbortError') return 'cancelled';
  if (/AccessDenied|UnauthorizedOperation|NotAuthorized/.test(name)) return 'denied';
  if (status === undefined || status < 400) return 'no_answer';
  return status < 500 ? 'refused' : 'service_error';
}
