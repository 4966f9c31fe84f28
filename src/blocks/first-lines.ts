/** The end of a log in the message of its download: while the whole is fetched, and where it was enough. */
import type { AlertExcerpt } from '../domain/alerts.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import type { EpochMs } from '../ground/time.ts';
import { guidanceLines } from './job-facts.ts';
import { excerptWords } from './log-excerpt.ts';
import type { Block, Button, Message } from './message.ts';
import { actions, code, section } from './text.ts';

export interface ShownLines {
  excerpt: AlertExcerpt;
  /** Why the run failed, if it did. */
  advice?: FailureAdvice | undefined;
  /** When the last of them was written. */
  at?: EpochMs | undefined;
}

/** Masking them takes 10 ms, and each edit of the progress message shows the same ones. */
const made = new WeakMap<ShownLines, readonly Block[]>();

export function firstLines(lines: ShownLines): readonly Block[] {
  const { excerpt, advice, at } = lines;
  let blocks = made.get(lines);
  if (!blocks) {
    blocks = [...(advice ? [section(guidanceLines(advice))] : []), section(excerptWords(excerpt, at))];
    made.set(lines, blocks);
  }
  return blocks;
}

/** They stay in a message that takes the place of the one that showed them: above its buttons. */
export function keepingFirstLines(message: Message, lines: ShownLines | undefined): Message {
  if (!lines || !message.blocks) return message;
  const found = message.blocks.findIndex(({ type }) => type === 'actions');
  const at = found < 0 ? message.blocks.length : found;
  return {
    ...message,
    blocks: [...message.blocks.slice(0, at), ...firstLines(lines), ...message.blocks.slice(at)],
  };
}

/**
 * The download was ended because they were enough.
 * @param by in Slack's markup: by whom
 * @param next what can be done now
 */
export function logsEnough(
  job: string,
  by: string,
  lines: ShownLines,
  next: readonly (Button | undefined)[],
): Message {
  const what = lines.excerpt.kind === 'traceback' ? 'Only the traceback' : 'Only the last lines';
  return {
    text: `${what} of the log of ${code(job)}`,
    blocks: [
      section(
        `:page_facing_up: *${what}* of the log of ${code(job)}\nThe download was ended${by === '' ? '' : ` ${by}`} because this was enough.`,
      ),
      ...firstLines(lines),
      ...actions(...next),
    ],
  };
}
