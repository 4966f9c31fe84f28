/** People. */
import type { Memberships } from '../domain/access.ts';

/** Who belongs where, as Slack knows it. Answers may be cached for a short while. */
export interface Directory extends Memberships {
  /** Ids of a user group's members; empty for one that is not there any more. @throws AppError unavailable */
  membersOf?(group: string): Promise<readonly string[]>;
}
