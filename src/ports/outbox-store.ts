/** State: messages on their way to Slack. */
import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** One message: what it should show, and what Slack shows so far. */
export interface OutboxRecord {
  /** Chosen by the poster; the same key is the same message: `card/line-3/train-resnet`. */
  key: string;
  /** In the message's metadata, for finding a message that was posted but not recorded. */
  id: string;
  /** A channel, or a user for a direct message. */
  channel: string;
  /** Key of the message whose thread it belongs to. */
  thread?: string | undefined;
  createdAt: EpochMs;
  changedAt: EpochMs;
  /** Goes before everything else waiting for the same channel. */
  urgent?: boolean | undefined;
  /** The same for messages about the same kind of thing: a flood of one kind does not hold up others. Default: `key`. */
  family?: string | undefined;
  /** Not posted before this time. */
  notBefore?: EpochMs | undefined;
  /** Dropped if it could not be posted by this time. */
  expiresAt?: EpochMs | undefined;
  /** Content that Slack does not show yet; removed once it does. */
  message?: OutgoingMessage | undefined;
  /** Goes up with each new content. */
  version: number;
  /** The version that Slack shows; 0: not posted. */
  shown: number;
  /** Digest of what Slack shows: the same content is not sent again. */
  digest?: string | undefined;
  /** Digest of the content apart from times: content with the same digest as what is shown is a mere refresh. */
  says?: string | undefined;
  /** Milliseconds between mere refreshes; left out: there are none. */
  refreshEvery?: number | undefined;
  /** `says` of what Slack shows, and since when. */
  shownSays?: string | undefined;
  shownAt?: EpochMs | undefined;
  /** When the current post began: until `ts` is known, nobody knows whether it arrived. */
  postingSince?: EpochMs | undefined;
  /** Where it is in Slack. */
  posted?:
    | {
        channel: string;
        ts: string;
        at: EpochMs;
        /** Slack did not take its blocks, and has the fallback instead. */
        plainer?: boolean | undefined;
      }
    | undefined;
  /** It can no longer be posted or changed. */
  failed?: { code: string; at: EpochMs } | undefined;
}

/** Deleted in Slack, or nothing can be written there. What was refused for its content alone may still be shown. */
export const isPostGone = ({ failed }: Pick<OutboxRecord, 'failed'>): boolean =>
  failed !== undefined && !failed.code.startsWith('content:');

/** A channel that could not be posted to; nothing is sent there until it works again. */
export interface DeadChannel {
  channel: string;
  since: EpochMs;
  /** Slack's error: `is_archived`. */
  code: string;
  /** When it is tried again. */
  nextCheckAt: EpochMs;
  checks: number;
}

/** Every method returns once its changes are durable. */
export interface OutboxStore {
  getPost(key: string): Promise<OutboxRecord | undefined>;
  /** Atomic; as `changeJob`. */
  changePost(
    key: string,
    change: (record: OutboxRecord | undefined) => OutboxRecord | undefined,
  ): Promise<OutboxRecord | undefined>;
  /** Not failed, with content that Slack does not show yet; oldest first. */
  listUnsent(): Promise<OutboxRecord[]>;
  listDeadChannels(): Promise<DeadChannel[]>;
  /** If `change` returns undefined, the channel works again. */
  changeDeadChannel(
    channel: string,
    change: (dead: DeadChannel | undefined) => DeadChannel | undefined,
  ): Promise<DeadChannel | undefined>;
}
