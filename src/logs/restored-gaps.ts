/** What an interrupted download had read of a stream, put into its gaps. */
import type { EpochMs } from '../ground/time.ts';
import { type Chain, emptyGap, type Gap } from './gap.ts';
import type { SpooledPage } from './spool.ts';

/**
 * @param gaps that nobody reads yet are split around what one chain has read
 * @param newChain of that direction and window
 * @returns undefined: it had read nothing that is complete
 */
export function restoredGaps(
  gaps: readonly Gap[],
  read: {
    direction: 'forward' | 'backward';
    window: { from: EpochMs; to: EpochMs };
    pages: readonly SpooledPage[];
  },
  newChain: () => Chain,
): { gaps: Gap[]; first: EpochMs; last: EpochMs } | undefined {
  const { direction, window, pages } = read;
  const first = Math.max(window.from, Math.min(...pages.map((page) => page.first)));
  const last = Math.min(window.to - 1, Math.max(...pages.map((page) => page.last)));
  // Complete are: forward, from the window's start to just before the last time; backward, from after the first time.
  const lo = direction === 'forward' ? window.from : first + 1;
  const hi = direction === 'forward' ? last : window.to;
  if (!(hi > lo)) return undefined;
  let isUsed = false;
  const parts = gaps.flatMap((gap): Gap[] => {
    const a = Math.max(gap.lo, lo);
    const b = Math.min(gap.hi, hi);
    if (gap.cut !== undefined || gap.forward || gap.backward || b <= a) return [gap];
    isUsed = true;
    const chain = newChain();
    chain.pages.push(...pages);
    chain.over = true;
    return [
      ...(gap.lo < a ? [emptyGap(gap.lo, a)] : []),
      {
        ...emptyGap(a, b),
        forward: direction === 'forward' ? chain : undefined,
        backward: direction === 'backward' ? chain : undefined,
        cut: direction === 'forward' ? b : a,
      },
      ...(b < gap.hi ? [emptyGap(b, gap.hi)] : []),
    ];
  });
  return isUsed ? { gaps: parts, first, last } : undefined;
}
