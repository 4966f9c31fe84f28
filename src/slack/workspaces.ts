/** Which workspace something is of: in an organisation of several, all of them are one house. */

export interface Workspace {
  /** `T…`, of some people in an organisation its own `E…`; undefined where Slack names none, as for an app of a whole organisation. */
  team?: string | undefined;
  /** `E…` of an Enterprise organisation. */
  organisation?: string | undefined;
}

export function isOf(home: Workspace, other: Workspace): boolean {
  if (other.team !== undefined && other.team === home.team) return true;
  if (home.organisation === undefined) return false;
  return other.organisation === home.organisation || other.team === home.organisation;
}
