/** Telling people whose answer a kill has cut off. */
import type { AwaitedAnswer } from './unfinished-store.ts';

export interface LostAnswers {
  /**
   * In the window that they look at, or to them alone where they asked; a window that they have closed needs no word.
   * @throws when Slack did not take it
   */
  tell(channel: string, answer: AwaitedAnswer): Promise<void>;
}
