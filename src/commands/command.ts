/**
 * What a command is: its handlers, and what Slack hands them. One file in this folder makes one command with its
 * buttons, modals, shortcuts and suggestions; `slack/` calls it and knows no more of it than these types. Every handler
 * parses, calls an operation, renders blocks and replies. It may take its time, because Slack has its answer before the
 * handler runs, except where a type below says otherwise.
 */
import type { Block, Home, Modal, Option } from '../blocks/message.ts';
import type { Context } from './context.ts';

export interface Command {
  /** Without the slash; also the word that follows a mention: `logs`. */
  readonly name: string;
  /** One line, for the manifest and the help. */
  readonly description: string;
  /** What follows the name: `<job> [--last 2h]`; empty for nothing. */
  readonly usage: string;
  /** First words of its arguments that name it when nothing else does: `@signalbox alerts`. */
  readonly words?: readonly string[] | undefined;
  /** @param text the arguments as typed, with Slack's own encoding already undone */
  run(context: Context, text: string): Promise<void>;
  /** By action id. `name:n` reaches `name`: ids within one row must differ. */
  readonly actions?: Readonly<Record<string, (context: Context, action: ClickedAction) => Promise<void>>>;
  /** By callback id. */
  readonly views?: Readonly<Record<string, (context: Context, view: SubmittedView) => Promise<ViewAnswer>>>;
  /** By the action id of an `external_select`. Slack waits for it: past 2.5 s it shows that nothing was found. */
  readonly options?: Readonly<Record<string, (context: Context, typed: string) => Promise<Option[]>>>;
  /** Message shortcuts by callback id. */
  readonly shortcuts?: Readonly<
    Record<string, (context: Context, message: ShortcutMessage) => Promise<void>>
  >;
}

export interface ClickedAction {
  readonly id: string;
  /** The value of the button or of the chosen option; empty when a choice was taken back. */
  readonly value: string;
  /** The id of its block, if the block was given one. */
  readonly block: string;
}

export interface SubmittedView {
  readonly metadata: string;
  /** By block id: several for checkboxes, none for an empty field. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** Slack waits 3 s for it, so slow work belongs in `after`, which runs once Slack has the answer. */
export type ViewAnswer =
  | { errors: Record<string, string> }
  | { after: () => Promise<void> }
  /** The modal stays open and shows this; `after` may change it through `context.view`. */
  | { update: Modal; after: () => Promise<void> };

export interface ShortcutMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread?: string | undefined;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** The app's Home tab for one person, rendered each time they open it. */
export type HomeTab = (context: Context) => Promise<Home>;
