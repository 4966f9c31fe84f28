/**
 * Masks secrets in text that goes to a channel or into the bot's own log: one masker for both. A secret is
 * recognised by its own shape (`secrets/tokens`, `secrets/urls`, `secrets/private-keys`) or by what it stands under
 * (`secrets/pairs`, `secrets/phrases`); plain numbers, hashes, names and words stay.
 *
 * The time is linear in the text, whatever it holds: every part looks at each character a bounded number of times.
 * JSON stays JSON, and masking twice is masking once.
 */
import { findPairs, type PairOptions } from './secrets/pairs.ts';
import { findPhrases } from './secrets/phrases.ts';
import { findPrivateKeys } from './secrets/private-keys.ts';
import { MASK, type Span } from './secrets/span.ts';
import { findTokens } from './secrets/tokens.ts';
import { findUrlSecrets } from './secrets/urls.ts';

export { MASK };
export type MaskOptions = PairOptions;

/** What is left may look like a secret once its neighbour is masked; more often than this it never did. */
const ROUNDS = 3;

export function maskSecrets(text: string, options: MaskOptions = {}): string {
  let masked = text;
  for (let round = 0; round < ROUNDS; round++) {
    const before = masked;
    masked = maskOnce(before, options);
    if (masked === before) break;
  }
  return masked;
}

function maskOnce(text: string, options: MaskOptions): string {
  const spans = [
    ...findPrivateKeys(text),
    ...findTokens(text),
    ...findUrlSecrets(text),
    ...findPairs(text, options),
    ...findPhrases(text, options),
  ].sort((a, b) => a.start - b.start || b.stop - a.stop);
  let result = '';
  let at = 0;
  for (let index = 0; index < spans.length; ) {
    const span = spans[index]!;
    const { stop, next } = union(spans, index);
    result += text.slice(at, span.start) + (stop === span.stop ? (span.replacement ?? MASK) : MASK);
    at = stop;
    index = next;
  }
  return result + text.slice(at);
}

/** Spans that overlap are one. */
function union(spans: readonly Span[], from: number): { stop: number; next: number } {
  let { stop } = spans[from]!;
  let next = from + 1;
  while (next < spans.length && spans[next]!.start < stop) {
    stop = Math.max(stop, spans[next]!.stop);
    next += 1;
  }
  return { stop, next };
}
