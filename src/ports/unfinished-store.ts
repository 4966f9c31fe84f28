/** State: messages that say work is under way, for the start after a kill. */
import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** A download that can be joined and cancelled, from any instance. */
export interface UnfinishedDownload {
  /** What makes two requests the same. */
  key: string;
  user: string;
  userName?: string | undefined;
  useCases: readonly string[];
}

/** A message in Slack that tells of work of one process: a kill would leave it as it is for ever. */
export interface UnfinishedMessage {
  id: string;
  channel: string;
  ts: string;
  since: EpochMs;
  /** The instance that works on it (operations/downloads-elsewhere.ts). */
  by?: string | undefined;
  /** While it can be joined and cancelled. */
  download?: UnfinishedDownload | undefined;
  /** What it is to say if the process is gone; left out: the work is done, and it only has to go. */
  becomes?: OutgoingMessage | undefined;
  /** Ids of files that were being handed over: where they have arrived, nothing is left but to take it away. */
  files?: readonly string[] | undefined;
}

/** Every method returns once what it did is durable. */
export interface UnfinishedStore {
  putUnfinished(message: UnfinishedMessage): Promise<void>;
  removeUnfinished(id: string): Promise<void>;
  /** Oldest first. */
  listUnfinished(): Promise<UnfinishedMessage[]>;
}
