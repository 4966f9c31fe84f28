/** By which key the outbox knows a message: one that is deleted in Slack is followed by another, under the next key. */
import { isPostGone, type OutboxStore } from '../ports/outbox-store.ts';

/** Messages that follow one another at most. */
const MESSAGES = 20;

/**
 * @param keyOf of the first message, the second, …
 * @returns the key of the message that is there, or of the one that comes next
 */
export async function messageKey(
  store: Pick<OutboxStore, 'getPost'>,
  keyOf: (nth: number) => string,
): Promise<string> {
  for (let nth = 1; ; nth += 1) {
    const key = keyOf(nth);
    const post = await store.getPost(key);
    if (!post || !isPostGone(post) || nth === MESSAGES) return key;
  }
}
