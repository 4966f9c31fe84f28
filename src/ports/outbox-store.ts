/** State: messages on their way to Slack. */
import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** One message: what it shall show, and how far that is. */
export interface OutboxRecord {
  /** Chosen by who posts it; the same key is the same message: `card/line-3/train-resnet`. */
  key: string;
  /** Stands in the message's metadata, so that one is found that was posted but not recorded. */
  id: string;
  /** A channel, or a user for the direct message with them. */
  channel: string;
  /** Key of the message in whose thread it stands. */
  thread?: string | undefined;
  createdAt: EpochMs;
  changedAt: EpochMs;
  /** Goes before what waits for the same channel. */
  urgent?: boolean | undefined;
  /** Messages that tell of the same kind of thing: a flood of one does not hold up the others. Left out: by its key. */
  family?: string | undefined;
  /** Not to be posted before. */
  notBefore?: EpochMs | undefined;
  /** Of no use after that, when it could not be posted until then. */
  expiresAt?: EpochMs | undefined;
  /** What is to be shown and is not yet; gone once it is. */
  message?: OutgoingMessage | undefined;
  /** Rises with each new content. */
  version: number;
  /** The version that Slack shows; 0: not posted. */
  shown: number;
  /** Digest of what Slack shows: the same content is not sent again. */
  digest?: string | undefined;
  /** Digest of what the content says apart from times; content that says what is shown already is a mere refresh. */
  says?: string | undefined;
  /** Milliseconds between two mere refreshes; without it there are none. */
  refreshEvery?: number | undefined;
  /** `says` of what Slack shows, and since when. */
  shownSays?: string | undefined;
  shownAt?: EpochMs | undefined;
  /** A post is under way since then: unless `ts` is known, nobody knows whether it arrived. */
  postingSince?: EpochMs | undefined;
  /** Where it stands in Slack. */
  posted?: { channel: string; ts: string; at: EpochMs } | undefined;
  /** It cannot be posted or changed any more. */
  failed?: { code: string; at: EpochMs } | undefined;
}

/** A channel that could not be posted to; no message is tried there until it works again. */
export interface DeadChannel {
  channel: string;
  since: EpochMs;
  /** Slack's error: `is_archived`. */
  code: string;
  /** When it is looked at again. */
  nextCheckAt: EpochMs;
  checks: number;
}

/** Every method returns once what it did is durable. */
export interface OutboxStore {
  getPost(key: string): Promise<OutboxRecord | undefined>;
  /** Atomic; as `changeJob`. */
  changePost(
    key: string,
    change: (record: OutboxRecord | undefined) => OutboxRecord | undefined,
  ): Promise<OutboxRecord | undefined>;
  /** With content that Slack does not show yet, and not failed; in the order in which they came. */
  listUnsent(): Promise<OutboxRecord[]>;
  listDeadChannels(): Promise<DeadChannel[]>;
  /** `undefined` as a change's result: it works again. */
  changeDeadChannel(
    channel: string,
    change: (dead: DeadChannel | undefined) => DeadChannel | undefined,
  ): Promise<DeadChannel | undefined>;
}
