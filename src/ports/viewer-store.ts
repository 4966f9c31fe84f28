/** State: the secret that signs the log viewer's links and sessions, and which links were used. */
import type { EpochMs } from '../ground/time.ts';

/** Every method returns once its changes are durable. */
export interface ViewerStore {
  /**
   * The secret that links and sessions are signed with.
   * @param offered becomes the secret if there is none yet
   */
  viewerSecret(offered: string): Promise<string>;
  /**
   * A link works once.
   * @param until when the link expires, after which it need not be remembered
   * @returns false if it was used before
   */
  useViewerLink(id: string, until: EpochMs): Promise<boolean>;
}
