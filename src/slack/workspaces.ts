/** Which workspace something belongs to. All workspaces of one organisation count as ours. */

export interface Workspace {
  /** `T…`, or the organisation's `E…` for some people; undefined if Slack names none, as for an organisation-wide app. */
  team?: string | undefined;
  /** `E…`, in an Enterprise organisation. */
  organisation?: string | undefined;
}

export function isOf(home: Workspace, other: Workspace): boolean {
  if (other.team !== undefined && other.team === home.team) return true;
  if (home.organisation === undefined) return false;
  return other.organisation === home.organisation || other.team === home.organisation;
}
