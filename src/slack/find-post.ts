/** Finds out whether a post without an answer arrived, by searching its channel or thread for its metadata. */
import type { EpochMs } from '../ground/time.ts';
import type { WebClient } from './clients.ts';

/** How much our clock and Slack's may differ. */
const SKEW_MS = 5 * 60_000;

interface Found {
  ts?: string;
  metadata?: { event_payload?: Record<string, unknown> };
  files?: { id?: string }[];
}

interface Place {
  channel: string;
  thread: string | undefined;
  /** When the post was begun. */
  since: EpochMs;
}

export interface Wanted extends Place {
  /** Whether a message's metadata payload is the post's. */
  is: (payload: Record<string, unknown>) => boolean;
}

/**
 * @returns undefined: it did not arrive
 * @throws what the call threw: it is still unknown
 */
export async function findPost(
  client: WebClient,
  { is, ...place }: Wanted,
): Promise<{ ts: string; payload: Record<string, unknown> } | undefined> {
  for await (const { metadata, ts } of messagesSince(client, place)) {
    const payload = metadata?.event_payload;
    if (ts !== undefined && payload && is(payload)) return { ts, payload };
  }
  return undefined;
}

/** @throws what the call threw: it is still unknown */
export async function isFileThere(client: WebClient, id: string, place: Place): Promise<boolean> {
  for await (const { files } of messagesSince(client, place))
    if (files?.some((file) => file.id === id)) return true;
  return false;
}

async function* messagesSince(client: WebClient, { channel, thread, since }: Place): AsyncGenerator<Found> {
  const begun = (since - SKEW_MS) / 1000;
  let cursor: string | undefined;
  do {
    const query = { channel, limit: 100, include_all_metadata: true, ...(cursor ? { cursor } : {}) };
    const page =
      thread === undefined
        ? await client.conversations.history(query)
        : await client.conversations.replies({ ...query, ts: thread });
    const messages = (page.messages ?? []) as Found[];
    yield* messages;
    // Channels list the newest first, threads the oldest. The first page is searched in any case, because our
    // clock may have been hours ahead of Slack's when the post began.
    const isOver = thread === undefined && messages.some(({ ts }) => Number(ts) < begun);
    cursor = isOver ? undefined : page.response_metadata?.next_cursor || undefined;
  } while (cursor !== undefined);
}
