/** Who does something. */
/** Who asks. `user` is `U…` in Slack; the CLI uses the login name and the team `cli`. */
export interface Actor {
  team: string;
  user: string;
}
