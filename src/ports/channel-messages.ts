/** Messages in Slack that appear at once and keep changing. */
import type { OutgoingMessage } from './outgoing-message.ts';

/** A posted message that keeps changing. Edits are paced within Slack's limits; the latest wins. */
export interface LiveMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread?: string | undefined;
  /**
   * Shown when the limits allow; may be skipped if a newer one follows.
   * @param awaited somebody waits for what is new in it, so it comes before what only tells of progress
   */
  edit(message: OutgoingMessage, awaited?: 'awaited'): void;
  /** The final content; always shown. */
  finish(message: OutgoingMessage): Promise<void>;
  remove(): Promise<void>;
}

/** Messages that answer nobody's command. Their edits are paced: progress may be skipped, the final content never is. */
export interface ChannelMessages {
  /** A handle for a message that was posted earlier. */
  follow(channel: string, ts: string): LiveMessage;
}
