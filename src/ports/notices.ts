import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** The one sender of messages; `slack/outbox.ts` is it. */
export interface Notices {
  post(
    key: string,
    channel: string,
    message: OutgoingMessage,
    options?: {
      thread?: string | undefined;
      urgent?: boolean | undefined;
      family?: string | undefined;
      notBefore?: EpochMs | undefined;
      expiresAt?: EpochMs | undefined;
    },
  ): Promise<boolean>;
  show(
    key: string,
    channel: string,
    message: OutgoingMessage,
    options?: {
      thread?: string | undefined;
      urgent?: boolean;
      family?: string;
      says?: string;
      refreshEvery?: number | undefined;
    },
  ): Promise<void>;
  adopt(key: string, channel: string, ts: string): Promise<void>;
}
