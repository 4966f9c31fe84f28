/** Compares what a message should show with what Slack shows: whether to send anything, and how much it matters. */
import { createHash } from 'node:crypto';
import type { Message } from '../blocks/message.ts';
import type { EpochMs } from '../ground/time.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import type { OutgoingMessage } from '../ports/outgoing-message.ts';

export interface ContentOptions {
  /**
   * The content without its times, in any form. If it equals what Slack shows already, the content is a mere refresh,
   * sent only when there is nothing else to edit, the stalest message first.
   */
  says?: string | undefined;
  /** Milliseconds between refreshes, if the edit budget allows; left out: none. */
  refreshEvery?: number | undefined;
}

export function contentOf(
  { text, blocks, fallback }: Message,
  { says, refreshEvery }: ContentOptions,
): Pick<OutboxRecord, 'says' | 'refreshEvery'> & { message: OutgoingMessage } {
  return {
    message: { text, ...(blocks ? { blocks } : {}), ...(fallback ? { fallback } : {}) },
    ...(says === undefined ? {} : { says: digest(says) }),
    ...(refreshEvery === undefined ? {} : { refreshEvery }),
  };
}

/** Slack shows it already, or it differs only in times and is never refreshed. */
export const isShown = ({ message, digest: shown, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  message !== undefined &&
  (digestOf(message) === shown || (says !== undefined && says === shownSays && refreshEvery === undefined));

/** Only its times have changed. */
export const isRefresh = ({ posted, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  posted !== undefined && says !== undefined && says === shownSays && refreshEvery !== undefined;

/** When a refresh is due. */
export function refreshAt({ shownAt = 0, refreshEvery = 0 }: OutboxRecord, now: EpochMs): EpochMs {
  // The clock was set back since.
  return shownAt > now ? now : shownAt + refreshEvery;
}

/**
 * The record of a message once Slack shows what was `sent`.
 * @param message the content; undefined: an earlier version that was found in the channel
 */
export function afterSending(
  known: OutboxRecord,
  sent: Pick<OutboxRecord, 'version' | 'says'>,
  message: OutgoingMessage | undefined,
  at: EpochMs,
): OutboxRecord {
  return {
    ...known,
    shown: Math.max(known.shown, sent.version),
    shownAt: at,
    ...(message ? { digest: digestOf(message), shownSays: sent.says } : {}),
    message: known.version === sent.version ? undefined : known.message,
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const digestOf = ({ text, blocks }: OutgoingMessage): string => digest(JSON.stringify([text, blocks ?? []]));
