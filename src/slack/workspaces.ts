/** Which workspace something is of: in an organisation of several, all of them are one house. */

export interface Workspace {
  /** `T…`; undefined where Slack names none, as for an app of a whole organisation. */
  team?: string | undefined;
  /** `E…` of an Enterprise organisation. */
  organisation?: string | undefined;
}

export function isOf(home: Workspace, other: Workspace): boolean {
  if (other.team !== undefined && other.team === home.team) return true;
  return home.organisation !== undefined && other.organisation === home.organisation;
}
