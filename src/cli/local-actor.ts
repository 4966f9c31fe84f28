/** Who is using the command line, for the session's name and the audit trail. */
import { userInfo } from 'node:os';
import type { Actor } from '../ground/actor.ts';

export function localActor(): Actor {
  return { team: 'cli', user: loginName() };
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
