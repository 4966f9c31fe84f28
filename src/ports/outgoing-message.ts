/** A message's content: made by `blocks/`, opaque to everything in between. */
export interface OutgoingMessage {
  text: string;
  blocks?: readonly object[] | undefined;
  /** For where Slack does not accept `blocks`. */
  fallback?: readonly object[] | undefined;
}
