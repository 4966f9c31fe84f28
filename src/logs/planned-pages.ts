/** Which of the pages that were read can be written out: those of a stream's gaps, in time order. */
import type { EpochMs } from '../ground/time.ts';
import { forwardDone, type Gap } from './gap.ts';
import type { SpooledPage } from './spool.ts';

/**
 * `unused`: nothing of the page counts. `disorder`: the service's order and the events' times disagree, so the whole
 * stream must be read in sequence.
 */
export type PageVerdict = 'keep' | 'unused' | 'disorder';

/** A page, and the part of it that counts. */
export interface PlannedPage {
  page: SpooledPage;
  from: EpochMs;
  to: EpochMs;
}

/**
 * The pages from the stream's beginning up to the first one that is not final yet.
 * @param gaps in time order
 * @param skip how many of the pages the caller already has
 */
export function finalPages(gaps: readonly Gap[], skip: number): PlannedPage[] {
  const list: PlannedPage[] = [];
  let n = 0;
  const push = (page: SpooledPage, from: EpochMs, to: EpochMs): void => {
    if (page.count === 0 || page.last < from || page.first >= to) return;
    if (n++ >= skip) list.push({ page, from, to });
  };
  for (const gap of gaps) {
    if (gap.forward) {
      if (gap.cut === undefined) {
        const done = forwardDone(gap);
        for (const page of gap.forward.pages) {
          // Events at `done` itself may still fall to the backward side.
          if (page.last >= done) return list;
          push(page, gap.lo, gap.hi);
        }
        return list;
      }
      for (const page of gap.forward.pages) push(page, gap.lo, gap.cut);
    }
    if (gap.cut === undefined) return list;
    if (gap.backward) {
      const pages = gap.backward.pages;
      for (let i = pages.length - 1; i >= 0; i--) push(pages[i]!, gap.cut, gap.hi);
    }
  }
  return list;
}

/** For `--tail`: the pages that the backward sides have read, from a time on. @param gaps in time order */
export function latestPages(gaps: readonly Gap[], from: EpochMs): PlannedPage[] {
  const list: PlannedPage[] = [];
  for (const gap of gaps) {
    const pages = gap.backward?.pages ?? [];
    for (let i = pages.length - 1; i >= 0; i--) {
      const page = pages[i]!;
      const lo = Math.max(from, gap.lo);
      if (page.count > 0 && page.last >= lo && page.first < gap.hi) list.push({ page, from: lo, to: gap.hi });
    }
  }
  return list;
}
