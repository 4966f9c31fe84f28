/** State: messages that say work is in progress, and people who wait for an answer: what a kill would leave as it is. */
import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** A download that can be joined and cancelled, from any instance. */
export interface UnfinishedDownload {
  /** The same for two requests for the same thing. */
  key: string;
  user: string;
  userName?: string | undefined;
  useCases: readonly string[];
}

/** Somebody who waits for an answer and has seen nothing of it yet, and how they can be told. */
export interface AwaitedAnswer {
  user: string;
  /** The command: `/logs train-7 --tail 50`. Left out: they clicked. */
  typed?: string | undefined;
  thread?: string | undefined;
  /** Takes 5 messages within 30 minutes. */
  responseUrl?: string | undefined;
  /** The window that shows that something is on its way. */
  view?: string | undefined;
}

/** One process's work as Slack shows it, which a kill would otherwise leave unchanged for ever. */
export interface UnfinishedMessage {
  id: string;
  /** A channel, or a person for a direct message. */
  channel: string;
  /** Left out: there is no message yet, only somebody who waits for an answer. */
  ts?: string | undefined;
  answer?: AwaitedAnswer | undefined;
  since: EpochMs;
  /** The instance that works on it (operations/downloads-elsewhere.ts). */
  by?: string | undefined;
  /** While it can be joined and cancelled. */
  download?: UnfinishedDownload | undefined;
  /** What it should say if the process is gone; left out: the work is done, and the message only has to be removed. */
  becomes?: OutgoingMessage | undefined;
  /** Ids of files being delivered: if they have arrived, the message only has to be removed. */
  files?: readonly string[] | undefined;
}

/** Every method returns once its changes are durable. */
export interface UnfinishedStore {
  putUnfinished(message: UnfinishedMessage): Promise<void>;
  removeUnfinished(id: string): Promise<void>;
  /** Oldest first. */
  listUnfinished(): Promise<UnfinishedMessage[]>;
}
