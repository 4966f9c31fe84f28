/** Messages in Slack that are shown at once and go on changing. */
import type { OutgoingMessage } from './outgoing-message.ts';

/** A posted message that goes on changing. Edits within Slack's limits: the latest wins. */
export interface LiveMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread?: string | undefined;
  /** Shown when there is room; may be skipped when a newer one follows. */
  edit(message: OutgoingMessage): void;
  /** The last picture; always shown. */
  finish(message: OutgoingMessage): Promise<void>;
  remove(): Promise<void>;
}

/** Messages of the bot’s own accord. Their edits are paced: progress may be left out, the last picture never. */
export interface ChannelMessages {
  /** The handle of a message that was posted earlier. */
  follow(channel: string, ts: string): LiveMessage;
}
