/** Block Kit's shapes under the names used here; renderers return these and know nothing of how they are sent. */
import type { types } from '@slack/bolt';

export type Block = types.KnownBlock;
export type Button = types.Button;
export type Modal = types.ModalView;
export type Home = types.HomeView;
export type Option = types.PlainTextOption;

export interface Message {
  /** What notifications and screen readers get; mrkdwn, always meaningful by itself. */
  text: string;
  blocks?: Block[];
  /** Instead of `blocks` where Slack does not take those: blocks that not every workspace has yet. */
  fallback?: Block[];
  /** Called when Slack took the fallback instead. Only where the message is sent at once. */
  refused?(): void;
}
