/**
 * What a command is. One file in this folder makes one, with its buttons, modals, shortcuts and suggestions;
 * `slack/` calls it and knows no more than these types. Every handler is: parse, operation, blocks, reply.
 * It may take as long as it needs: Slack was answered before it was called, except where said otherwise.
 */
import type { Logger } from 'pino';
import type { Block, Home, Message, Modal, Option } from '../blocks/message.ts';
import type { Actor } from '../ground/actor.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';

export interface Command {
  /** Without the slash, also the word after a mention: `logs`. */
  readonly name: string;
  /** One line, for the manifest and the help. */
  readonly description: string;
  /** What stands after the name: `<job> [--last 2h]`. */
  readonly usage: string;
  /** @param text the arguments as typed: Slack's own encoding is undone already */
  run(context: Context, text: string): Promise<void>;
  /** By action id. `name:n` reaches `name`, because ids within one row must differ. */
  readonly actions?: Readonly<Record<string, (context: Context, action: ClickedAction) => Promise<void>>>;
  /** By callback id. */
  readonly views?: Readonly<Record<string, (context: Context, view: SubmittedView) => Promise<ViewAnswer>>>;
  /** By the action id of an `external_select`. Slack waits: what takes over 2.5 s is shown as nothing found. */
  readonly options?: Readonly<Record<string, (context: Context, typed: string) => Promise<Option[]>>>;
  /** Message shortcuts by callback id. */
  readonly shortcuts?: Readonly<
    Record<string, (context: Context, message: ShortcutMessage) => Promise<void>>
  >;
}

export interface Context {
  readonly actor: Actor;
  /** For words such as "asked for by ada": not a mention, and from outside. Missing where Slack told only an id. */
  readonly userName: string | undefined;
  readonly place: Place;
  /** The command as this workspace calls it, for usage texts: `/logs`, `/ml-logs`, `@signalbox logs`. */
  readonly invocation: string;
  /** What this workspace's slash commands begin with, for texts that name one: `/`, or `/ml-`. */
  readonly slash: string;
  readonly reply: Reply;
  readonly log: Logger;
  /** Within 3 s of what the person did. The returned view can be changed later. */
  openModal(view: Modal): Promise<OpenView>;
  /** The modal in which it happened: a click or a submission there. */
  readonly view?: OpenView | undefined;
}

/** A modal on somebody's screen. */
export interface OpenView {
  readonly id: string;
  /** Shows another picture there. @returns false: it was closed in the meantime */
  update(view: Modal): Promise<boolean>;
}

export interface Place {
  readonly channel?: string | undefined;
  /** Set in a thread: answers go there. */
  readonly thread?: string | undefined;
  /** A direct message with the bot, or a place of no channel at all (App Home). */
  readonly isDirect: boolean;
  /** A window says that it was opened there; Slack itself does not, as it does for a command or a click. */
  readonly claimed?: boolean | undefined;
}

interface Reply {
  /** Only the person sees it, where they are. */
  privately(message: Message): Promise<void>;
  /** Everybody in the channel or thread sees it. */
  publicly(message: Message): Promise<LiveMessage>;
  /** To the person alone, to stay. */
  directly(message: Message): Promise<LiveMessage>;
  /** The message whose button was clicked loses its buttons and gets this line; nothing for other messages. */
  retire(line: string): Promise<void>;
  /** The message whose element was used becomes this one; elsewhere a private answer. */
  replace(message: Message): Promise<void>;
}

export interface ClickedAction {
  readonly id: string;
  /** The button's value, or the chosen option's; empty when a choice was taken back. */
  readonly value: string;
  /** The block's own id, where it was given one. */
  readonly block: string;
}

export interface SubmittedView {
  readonly metadata: string;
  /** By block id; several for checkboxes, none for an empty field. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/**
 * Slack waits for it 3 s, so nothing slow belongs in front of it: what takes time goes into `after`, which runs
 * after the modal has closed.
 */
export type ViewAnswer =
  | { errors: Record<string, string> }
  | { after: () => Promise<void> }
  /** The modal stays and shows this; `after` may go on with `context.view`. */
  | { update: Modal; after: () => Promise<void> };

export interface ShortcutMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread?: string | undefined;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** The app's Home tab for one person; asked for each time that they open it. */
export type HomeTab = (context: Context) => Promise<Home>;
