/** The modal that shows details: of a job, of its attempts, of a component; and what it says instead of them. */
import { LIMITS } from '#sandbox/block-kit';
import { COMPILE } from './compile-ids.ts';
import type { Block, Message, Modal } from './message.ts';
import { label, section } from './text.ts';

export function detailsView(metadata: string, title: string, blocks: Block[]): Modal {
  return {
    type: 'modal',
    callback_id: COMPILE.details,
    title: { type: 'plain_text', text: label(title, LIMITS.modal.title) },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks,
  };
}

/** What stands there until what was asked for is known. */
export function waitingView(metadata: string, title: string, words: string): Modal {
  return detailsView(metadata, title, [section(`:hourglass_flowing_sand: ${words}`)]);
}

/** Shown instead of what somebody may no longer see. */
export function notAllowedView(metadata: string, words: string): Modal {
  return detailsView(metadata, 'Not allowed', [section(`:no_entry: ${words}`)]);
}

/** A message's blocks as a modal: how something ended that was asked for in one. */
export function messageView(metadata: string, title: string, message: Message): Modal {
  return detailsView(metadata, title, message.fallback ?? message.blocks ?? [section(message.text)]);
}
