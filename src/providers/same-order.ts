/** Whether a run that is there under an order's name was made by that order, sent before. */
import type { EpochMs } from '../ground/time.ts';

/** A provider's clock and ours may differ by so much, ms. */
const CLOCK_SKEW = 5 * 60_000;

/** @param createdAt by the provider's clock; @param askedAt of the order */
export const isSinceAsked = (createdAt: EpochMs, askedAt: EpochMs): boolean =>
  createdAt >= askedAt - CLOCK_SKEW;
