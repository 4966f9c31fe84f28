/** State: what is to be done once, by whichever instance comes first. */
import type { EpochMs } from '../ground/time.ts';

/** Every method returns once its changes are durable. */
export interface OnceStore {
  /**
   * Safe under concurrent calls.
   * @param id of what is to be done
   * @param until when it can come no more, after which it need not be remembered
   * @returns whether nobody has taken it before
   */
  takeOnce(id: string, until: EpochMs): Promise<boolean>;
}
