/** The way from the workspace to the app, the same for Socket Mode and HTTP. */
import type { Json } from '../block-kit/schema.ts';

export interface Delivery {
  type: 'slash_commands' | 'interactive' | 'events_api';
  payload: Json;
  /** Whether the ack may carry a body that Slack uses. */
  acceptsAnswer: boolean;
  retry?: { num: number; reason: string };
}

export type Answer =
  | { kind: 'acked'; body: unknown }
  | { kind: 'timeout' }
  /** Nobody is there to take it, or the connection broke before it was taken. */
  | { kind: 'unconnected' }
  | { kind: 'refused'; status: number };

export interface AppLink {
  readonly connected: boolean;
  /** Never rejects. @param timeoutMs how long an ack may take */
  deliver(delivery: Delivery, timeoutMs: number): Promise<Answer>;
  close(): Promise<void>;
}
