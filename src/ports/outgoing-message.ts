/** Content of a message: `blocks/` makes it, nobody in between looks into it. */
export interface OutgoingMessage {
  text: string;
  blocks?: readonly object[] | undefined;
  /** Where Slack does not take `blocks`. */
  fallback?: readonly object[] | undefined;
}
