/**
 * What a conversation in Slack offers a handler: who did something and where, the ways to answer, and the modal in
 * which it happened. `slack/` implements it.
 */
import type { Logger } from 'pino';
import type { Message, Modal } from '../blocks/message.ts';
import type { Actor } from '../ground/actor.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';

export interface Context {
  readonly actor: Actor;
  /** For words such as "asked for by ada". Chosen by the person, so untrusted; missing if Slack sent only an id. */
  readonly userName: string | undefined;
  readonly place: Place;
  /** The command as this workspace calls it, for usage texts: `/logs`, `/ml-logs`, `@signalbox logs`. */
  readonly invocation: string;
  /** What this workspace's slash commands begin with, for texts that name one: `/` or `/ml-`. */
  readonly slash: string;
  readonly reply: Reply;
  readonly log: Logger;
  /** Only within 3 s of what the person did. The view it returns can be changed later. */
  openModal(view: Modal): Promise<OpenView>;
  /** The modal that was clicked in or submitted. */
  readonly view?: OpenView | undefined;
}

/** A modal on somebody's screen. */
export interface OpenView {
  readonly id: string;
  /** @returns false if the modal was closed in the meantime */
  update(view: Modal): Promise<boolean>;
}

export interface Place {
  readonly channel?: string | undefined;
  /** The thread it happened in; answers go there. */
  readonly thread?: string | undefined;
  /** A direct message with the bot, or no channel at all (App Home). */
  readonly isDirect: boolean;
  /** Only the metadata of a modal names this channel; for a command or a click Slack itself does. */
  readonly claimed?: boolean | undefined;
}

interface Reply {
  /** Where they are, seen only by the person. */
  privately(message: Message): Promise<void>;
  /** Seen by everybody in the channel or thread. */
  publicly(message: Message): Promise<LiveMessage>;
  /** As a direct message, which stays. */
  directly(message: Message): Promise<LiveMessage>;
  /** The message whose button was clicked gets this line instead of its buttons; does nothing elsewhere. */
  retire(line: string): Promise<void>;
  /** Replaces the message whose element was used; answers privately elsewhere. */
  replace(message: Message): Promise<void>;
}
