/** Who sits at the command line, for the session's name and the audit trail. */
import { userInfo } from 'node:os';
import type { Actor } from '../ground/actor.ts';

export function localActor(): Actor {
  return { team: 'cli', user: loginName() };
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no user database knows.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
