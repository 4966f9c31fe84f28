/** Addresses of the log viewer. */
import type { Actor } from '../ground/actor.ts';

export interface ViewerLinks {
  /** Milliseconds in which a link has to be opened. */
  readonly linkFor: number;
  /**
   * A link to the page of a run, for one person and one visit: whoever opens it is taken for that person. To be shown
   * to nobody else, after their right to the run's log was checked.
   */
  linkTo(actor: Actor, run: string): Promise<string>;
}
