/** State: messages that say work is under way, for the start after a kill. */
import type { EpochMs } from '../ground/time.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** A message in Slack that tells of work of this process: a kill would leave it as it is for ever. */
export interface UnfinishedMessage {
  id: string;
  channel: string;
  ts: string;
  since: EpochMs;
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
