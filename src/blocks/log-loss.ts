/** What is missing in a log, as lines under the facts about it. */
import { completeWords, type LogLoss, maskedWords } from '../domain/log-keeping.ts';
import { instant, plain } from './text.ts';

export function lossLines(loss: LogLoss | undefined): string[] {
  const shown = loss && { ...loss, place: plain(loss.place, 200) };
  return [
    ['Complete', completeWords(shown, instant)],
    ['Masked', maskedWords(shown)],
  ].flatMap(([label, words]) => (words === undefined ? [] : `_${label}_ ${words}.`));
}
