/** By which key the outbox knows a job's card. */
import type { OutboxStore } from '../ports/outbox-store.ts';
import { messageKey } from './message-key.ts';

/** @returns the key of the card that is there, or of the one that comes next */
export const cardKey = (store: Pick<OutboxStore, 'getPost'>, useCase: string, job: string): Promise<string> =>
  messageKey(store, (nth) => `card/${useCase}/${job}${nth === 1 ? '' : `/${nth}`}`);
