/** State: what the log viewer's links and sessions are signed with, and which links were used. */
import type { EpochMs } from '../ground/time.ts';

/** Every method returns once what it did is durable. */
export interface ViewerStore {
  /**
   * The secret that links and sessions are signed with.
   * @param offered becomes it where there is none yet
   */
  viewerSecret(offered: string): Promise<string>;
  /**
   * A link lets in once.
   * @param until when it expires anyway: from then on it need not be known
   * @returns false if it was used before
   */
  useViewerLink(id: string, until: EpochMs): Promise<boolean>;
}
