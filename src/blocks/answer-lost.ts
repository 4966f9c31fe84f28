/** Said to somebody whose answer a kill has cut off before there was anything to see of it. */
import type { Message, Modal } from './message.ts';
import { code, section } from './text.ts';

/** @param typed the command: `/logs train-7`; undefined: they clicked */
export function answerLost(typed: string | undefined): Message {
  const text = `:warning: *Interrupted:* Signalbox was stopped before it could answer ${typed === undefined ? 'your click' : code(typed)}. ${againIf(typed)}`;
  return { text, blocks: [section(text)] };
}

/** In place of the window that says that something is on its way. */
export function windowLost(typed: string | undefined): Modal {
  return {
    type: 'modal',
    callback_id: 'answer',
    title: { type: 'plain_text', text: 'Interrupted' },
    close: { type: 'plain_text', text: 'Close' },
    blocks: [section(`:warning: Signalbox was stopped before this was ready. ${againIf(typed)}`)],
  };
}

/** What it had begun may be done: a compilation that was asked for is started once, however often it is asked for. */
const againIf = (typed: string | undefined): string =>
  typed === undefined
    ? 'Look whether it was done; if not, click again.'
    : 'If nothing has come of it, give the command again.';
