/** Addresses of the log viewer. */
import type { Actor } from '../ground/actor.ts';

export interface ViewerLinks {
  /** Milliseconds until a link expires. */
  readonly linkFor: number;
  /**
   * A link to a run's page, for one person and one visit: whoever opens it is taken for that person. Show it to them
   * alone, after checking their right to the run's log.
   */
  linkTo(actor: Actor, run: string): Promise<string>;
}
