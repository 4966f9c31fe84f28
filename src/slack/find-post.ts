/** Whether a post that got no answer is there: looked for in its channel or thread, by what it carries unseen. */
import type { EpochMs } from '../ground/time.ts';
import type { WebClient } from './clients.ts';

/** Clocks here and at Slack may differ by so much. */
const SKEW_MS = 5 * 60_000;

interface Found {
  ts?: string;
  metadata?: { event_payload?: Record<string, unknown> };
}

export interface Wanted {
  channel: string;
  thread: string | undefined;
  /** When the post was begun. */
  since: EpochMs;
  /** Whether the payload of a message's metadata is that of the post. */
  is: (payload: Record<string, unknown>) => boolean;
}

/**
 * @returns undefined: it is not there
 * @throws what the call threw: it is as unknown as before
 */
export async function findPost(
  client: WebClient,
  { channel, thread, since, is }: Wanted,
): Promise<{ ts: string; payload: Record<string, unknown> } | undefined> {
  const begun = (since - SKEW_MS) / 1000;
  let cursor: string | undefined;
  do {
    const query = { channel, limit: 100, include_all_metadata: true, ...(cursor ? { cursor } : {}) };
    const page =
      thread === undefined
        ? await client.conversations.history(query)
        : await client.conversations.replies({ ...query, ts: thread });
    const messages = (page.messages ?? []) as Found[];
    for (const { metadata, ts } of messages) {
      const payload = metadata?.event_payload;
      if (ts !== undefined && payload && is(payload)) return { ts, payload };
    }
    // The newest come first in a channel, the oldest in a thread. The first page is looked at in any case: our
    // clock may have been hours ahead of Slack's when the post was begun.
    const isOver = thread === undefined && messages.some(({ ts }) => Number(ts) < begun);
    cursor = isOver ? undefined : page.response_metadata?.next_cursor || undefined;
  } while (cursor !== undefined);
  return undefined;
}
