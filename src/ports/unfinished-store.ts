/** State: messages that say work is in progress, for the next start to clean up after a kill. */
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

/** A message in Slack about one process's work, which a kill would otherwise leave unchanged for ever. */
export interface UnfinishedMessage {
  id: string;
  channel: string;
  ts: string;
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
