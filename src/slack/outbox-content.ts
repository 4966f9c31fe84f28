/** What a message shall show and what Slack shows of it: whether there is anything to send, and how much it matters. */
import { createHash } from 'node:crypto';
import type { Message } from '../blocks/message.ts';
import type { EpochMs } from '../ground/time.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import type { OutgoingMessage } from '../ports/outgoing-message.ts';

export interface ContentOptions {
  /**
   * The content without its times, in any form. Content that says what Slack shows already is a mere refresh: sent
   * when nothing else is to be edited, what was shown longest ago first.
   */
  says?: string | undefined;
  /** Milliseconds between two refreshes, when there is room for them; left out: it is not refreshed. */
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

/** Slack shows it already, or all but times of something that is over. */
export const isShown = ({ message, digest: shown, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  message !== undefined &&
  (digestOf(message) === shown || (says !== undefined && says === shownSays && refreshEvery === undefined));

/** Nothing of it is news but times. */
export const isRefresh = ({ posted, says, shownSays, refreshEvery }: OutboxRecord): boolean =>
  posted !== undefined && says !== undefined && says === shownSays && refreshEvery !== undefined;

/** When a refresh is due. */
export function refreshAt({ shownAt = 0, refreshEvery = 0 }: OutboxRecord, now: EpochMs): EpochMs {
  // The clock was set back since.
  return shownAt > now ? now : shownAt + refreshEvery;
}

/**
 * What is known of a message once Slack shows what was `sent`.
 * @param message what it was; undefined: an earlier version that was found in the channel
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
