/** People in Slack. */
import type { Memberships } from '../domain/access.ts';

/** Who belongs where, according to Slack. Answers may be cached briefly. */
export interface Directory extends Memberships {
  /** Ids of a user group's members; empty if the group no longer exists. @throws AppError unavailable */
  membersOf?(group: string): Promise<readonly string[]>;
}
