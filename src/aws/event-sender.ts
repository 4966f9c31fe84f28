/** Sends events to the bot's queue, as `signalbox events replay` does. */
import { AppError } from '../ground/errors.ts';
import { asked, type EventClients, openEventClients } from './event-clients.ts';

/**
 * Sends bodies to the queue, in order as far as SQS keeps it.
 * @returns how many SQS took
 * @throws AppError unavailable when it refused one, else by the table of AWS errors
 */
export async function sendToQueue(
  place: { queueUrl: string; region: string },
  bodies: readonly string[],
  signal?: AbortSignal,
  given?: EventClients,
): Promise<number> {
  const { clients, destroy } = await openEventClients(place, given);
  const { SendMessageBatchCommand } = await import('@aws-sdk/client-sqs');
  let sent = 0;
  try {
    for (const batch of batches(bodies)) {
      signal?.throwIfAborted();
      const answer = await asked('send events to the queue', ['sqs:SendMessage'], place.region, () =>
        clients.sqs.send(
          new SendMessageBatchCommand({
            QueueUrl: place.queueUrl,
            Entries: batch.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
          }),
          signal ? { abortSignal: signal } : {},
        ),
      );
      sent += answer.Successful?.length ?? 0;
      const [failed] = answer.Failed ?? [];
      if (failed)
        throw new AppError(
          'unavailable',
          `SQS did not take event ${sent + 1}: ${failed.Code ?? 'no reason given'}.`,
          {
            hint: `${sent} of ${bodies.length} were sent. Sending all again is safe: known ones are let pass once.`,
            adminHint: failed.Message ?? '',
          },
        );
    }
    return sent;
  } finally {
    destroy();
  }
}

/** At most ten messages each, and at most a quarter of the bytes that SQS takes in one request. */
function* batches(bodies: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const body of bodies) {
    const size = Buffer.byteLength(body);
    if (batch.length === 10 || (batch.length > 0 && bytes + size > 250_000)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(body);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
