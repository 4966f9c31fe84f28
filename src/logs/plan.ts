/**
 * What to ask the service next, for one stream. Pure: no clock, no disk, no network.
 *
 * A stream's time range is a row of gaps. Each gap is read from both ends by two chains of pages, one forward
 * and one backward, until they meet; a gap is split at a middle time when more chains are useful. Meeting takes
 * the place of the "same token again" request, and no guess about the density of events is needed.
 *
 * The invariant that makes it exact: the forward chain has read everything before `forwardDone`, the backward
 * chain everything from `backwardDone` on. Both are whole milliseconds, because a page may end between events
 * of the same time. A gap is complete when forwardDone ≥ backwardDone; the cut between the two sides is then
 * put on a whole millisecond, so that one side owns all events of any one time.
 *
 * That holds where the service's order is that of time. The proof that it is: both sides have an event in common
 * and agree around it (chain-overlap.ts), or one side has read its whole window. No gap closes without one or the other.
 */
import type { EpochMs } from '../ground/time.ts';
import type { LogPage } from '../ports/log-source.ts';
import { compare, indexOf } from './chain-overlap.ts';
import {
  backwardDone,
  type Chain,
  emptyGap,
  forwardDone,
  type Gap,
  isHeard,
  type LaneName,
  nearlyClosed,
  pagesToShare,
  type SplitMood,
  stop,
  touching,
  unreadOf,
} from './gap.ts';
import type { SpooledPage } from './spool.ts';

/** Pages in time order, with the part of each that counts. */
export interface PlannedPage {
  page: SpooledPage;
  from: EpochMs;
  to: EpochMs;
}

/**
 * `unused`: nothing of the page counts. `disorder`: the service's order and the events' times disagree, so nothing
 * but reading all of it in sequence is safe.
 */
export type PageVerdict = 'keep' | 'unused' | 'disorder';

/** Where a gap would be split, and about how many pages the new chains would share. */
export interface Split {
  gap: Gap;
  at: EpochMs;
  pages: number;
}

export interface StreamPlanOptions {
  stream: number;
  from: EpochMs;
  to: EpochMs;
  mode: 'both-ends' | 'forward-only' | 'tail';
  firstHint?: EpochMs | undefined;
  lastHint?: EpochMs | undefined;
  nextChainId: () => number;
}

export class StreamPlan {
  readonly stream: number;
  readonly from: EpochMs;
  readonly to: EpochMs;
  #mode: StreamPlanOptions['mode'];
  #gaps: Gap[];
  readonly #firstHint: EpochMs | undefined;
  readonly #lastHint: EpochMs | undefined;
  readonly #nextChainId: () => number;
  /** Pages of a stream whose order and times disagree may overlap in time; they are merged as several runs. */
  #disordered = false;
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  readonly #seenTokens = new Set<string>();

  constructor(options: StreamPlanOptions) {
    this.stream = options.stream;
    this.from = options.from;
    this.to = options.to;
    this.#mode = options.mode;
    this.#firstHint = options.firstHint;
    this.#lastHint = options.lastHint;
    this.#nextChainId = options.nextChainId;
    this.#gaps = [emptyGap(options.from, options.to)];
    if (options.from >= options.to) this.#gaps[0]!.cut = options.to;
  }

  get disordered(): boolean {
    return this.#disordered;
  }

  get mode(): StreamPlanOptions['mode'] {
    return this.#mode;
  }

  get done(): boolean {
    return !this.#gaps.some(isOpen);
  }

  /** Everything from this time on is read (what `--tail` asks). */
  get completeFrom(): EpochMs {
    for (let i = this.#gaps.length - 1; i >= 0; i--) {
      const gap = this.#gaps[i]!;
      if (gap.cut === undefined) return backwardDone(gap);
    }
    return this.from;
  }

  /** Milliseconds still unread and the length of the whole, both as far as is known. */
  get coverage(): { unread: number; total: number } {
    const lo = Math.max(this.from, Math.min(this.#earliest, this.#firstHint ?? this.#earliest));
    const hi = Math.min(this.to, Math.max(this.#latest, this.#lastHint ?? this.to) + 1);
    if (!(hi > lo)) return { unread: this.done ? 0 : 1, total: 1 };
    let unread = 0;
    for (const gap of this.#open) {
      unread += Math.max(0, Math.min(hi, backwardDone(gap)) - Math.max(lo, forwardDone(gap)));
    }
    return { unread, total: hi - lo };
  }

  /** Chains that have more to read. */
  chains(): Chain[] {
    const list: Chain[] = [];
    for (const gap of this.#open) {
      if (gap.forward && !gap.forward.over) list.push(gap.forward);
      if (gap.backward && !gap.backward.over) list.push(gap.backward);
    }
    return list;
  }

  /** The chain on a lane that has waited longest and whose next page would not be wasted. */
  idle(lane: LaneName, now: number): Chain | undefined {
    let best: Chain | undefined;
    let bestRemaining = -1;
    for (const gap of this.#open) {
      const remaining = unreadOf(gap);
      const isRead = remaining <= 0;
      for (const chain of [gap.forward, gap.backward]) {
        if (!chain || chain.busy || chain.over || chain.lane !== lane || chain.notBefore > now) continue;
        const other = chain === gap.forward ? gap.backward : gap.forward;
        // All is read; only a side that has not been heard yet is still of use.
        if (isRead && isHeard(chain)) continue;
        // Its last page may close the gap all by itself; asking from here too would fetch it twice.
        if (other?.busy && nearlyClosed(gap)) continue;
        // Inside equal times only one side goes on: the forward one owns them.
        if (chain === gap.backward && gap.forward && !gap.forward.over && touching(gap)) continue;
        // Nothing found from this side yet: perhaps there is nothing, and one side is enough to find that out.
        if (!isRead && chain === gap.backward && gap.forward && chain.emptyInARow > 0 && !isHeard(chain))
          continue;
        if (remaining > bestRemaining) {
          best = chain;
          bestRemaining = remaining;
        }
      }
    }
    return best;
  }

  /** A new chain at an end of a gap that nobody reads yet. */
  open(lane: LaneName): Chain | undefined {
    for (const gap of this.#open.sort((a, b) => unreadOf(b) - unreadOf(a))) {
      if (this.#mode === 'tail') {
        if (lane === 'main' && !gap.backward) return this.#start(gap, 'backward', lane);
        continue;
      }
      if (!gap.forward) {
        // The second lane reads forward only, so a forward end is kept for it where there is another way.
        return this.#start(gap, 'forward', lane);
      }
      if (this.#mode === 'both-ends' && lane === 'main' && !gap.backward) {
        return this.#start(gap, 'backward', lane);
      }
    }
    return undefined;
  }

  /** The gap that a split would help most, if any is worth it. */
  splittable(mood: SplitMood): Split | undefined {
    let best: Split | undefined;
    if (this.#mode !== 'both-ends') return undefined;
    for (const gap of this.#open) {
      const [lo, hi] = this.#unread(gap);
      if (!Number.isFinite(lo) || !Number.isFinite(hi) || hi - lo < 2) continue;
      const pages = pagesToShare(gap, hi - lo, mood);
      if (pages > (best?.pages ?? 0)) best = { gap, pages, at: Math.floor(lo + (hi - lo) / 2) };
    }
    return best;
  }

  /** The two new ends are opened by `open` as they are wanted. */
  split({ gap, at }: Split): void {
    const upper: Gap = { ...emptyGap(at, gap.hi), backward: gap.backward };
    gap.hi = at;
    gap.pages = 0;
    gap.backward = undefined;
    this.#gaps.splice(this.#gaps.indexOf(gap) + 1, 0, upper);
  }

  /**
   * Takes in the index of a chain's next page, before the page is spooled. The page must be sorted by time;
   * `wasSorted` tells whether it came so.
   */
  accept(chain: Chain, page: LogPage, wasSorted: boolean): PageVerdict {
    const sent = chain.token;
    const ended = page.nextToken === undefined || page.nextToken === sent;
    chain.token = page.nextToken;
    chain.failures = 0;
    const gap = this.#gapOf(chain);
    if (!gap) return 'unused';

    if (page.count === 0) chain.emptyInARow++;
    else chain.emptyInARow = 0;

    let first = page.count ? page.times[0]! : 0;
    let last = page.count ? page.times[page.count - 1]! : 0;
    const inside = page.count > 0 && last >= chain.from && first < chain.to;
    if (inside) {
      first = Math.max(first, chain.from);
      last = Math.min(last, chain.to - 1);
      this.#earliest = Math.min(this.#earliest, first);
      this.#latest = Math.max(this.#latest, last);
    }

    if (this.#mode === 'forward-only') {
      if (!wasSorted || (inside && chain.edge !== undefined && first < chain.edge)) this.#disordered = true;
      if (inside) chain.edge = Math.max(chain.edge ?? last, last);
      const again = !ended && page.nextToken !== undefined && this.#seenTokens.has(page.nextToken);
      if (page.nextToken !== undefined) this.#seenTokens.add(page.nextToken);
      if (ended || again) this.#end(gap, chain);
      return inside ? 'keep' : 'unused';
    }

    if (!wasSorted) return 'disorder';
    if (inside) {
      if (chain.edge !== undefined) {
        if (chain.direction === 'forward' ? first < chain.edge : last > chain.edge) return 'disorder';
      }
      chain.span = last - first;
      chain.startedAt ??= chain.direction === 'forward' ? first : last;
      chain.pageCount++;
      gap.pages++;
      chain.newest = indexOf(chain, page);
      chain.edge = chain.direction === 'forward' ? last : first;
    }
    if (ended) this.#end(gap, chain);
    if (gap.cut === undefined && unreadOf(gap) <= 0) {
      const meeting = compare(gap.forward?.newest, gap.backward?.newest);
      if (meeting === 'same') this.#close(gap, forwardDone(gap));
      // A side that has not been heard yet is still asked: its first page is the proof.
      else if (meeting === 'different' || (isHeard(gap.forward) && isHeard(gap.backward))) return 'disorder';
    }
    return inside ? 'keep' : 'unused';
  }

  /** Starts over, reading everything in sequence and sorting it afterwards. */
  fallBack(): void {
    for (const gap of this.#gaps) {
      for (const chain of [gap.forward, gap.backward]) if (chain) stop(chain);
    }
    this.#mode = 'forward-only';
    this.#disordered = true;
    this.#gaps = [emptyGap(this.from, this.to)];
  }

  /** Gives up a chain's token (expired, or its lane is closed): what it read stays, the rest is opened anew by time. */
  reopen(chain: Chain): void {
    const gap = this.#gapOf(chain);
    if (!gap) return;
    stop(chain);
    if (this.#mode === 'forward-only') {
      // Times say nothing about what is read here, so only the beginning is safe.
      gap.forward = undefined;
      this.#seenTokens.clear();
      return;
    }
    const at = this.#gaps.indexOf(gap);
    const forward = chain.direction === 'forward';
    const done = forward ? forwardDone(gap) : backwardDone(gap);
    if (!isHeard(chain) || (forward ? done <= gap.lo : done >= gap.hi)) {
      if (forward) gap.forward = undefined;
      else gap.backward = undefined;
      return;
    }
    // What was read becomes a gap of its own, in which only the other side's word is missing.
    const below: Gap = { ...emptyGap(gap.lo, done), forward: gap.forward };
    const above: Gap = { ...emptyGap(done, gap.hi), backward: gap.backward };
    // Going backward only, nobody will give it: the order is trusted then.
    if (this.#mode === 'tail') above.cut = done;
    this.#gaps.splice(at, 1, below, above);
  }

  /** Puts in a stretch that an earlier, interrupted download has read: pages of one chain. */
  restore(
    direction: 'forward' | 'backward',
    window: { from: EpochMs; to: EpochMs },
    pages: SpooledPage[],
  ): void {
    const first = Math.max(window.from, Math.min(...pages.map((page) => page.first)));
    const last = Math.min(window.to - 1, Math.max(...pages.map((page) => page.last)));
    // Forward: complete from the window's start to before its last time. Backward: after its first time to the end.
    const lo = direction === 'forward' ? window.from : first + 1;
    const hi = direction === 'forward' ? last : window.to;
    if (!(hi > lo)) return;
    for (let i = 0; i < this.#gaps.length; i++) {
      const gap = this.#gaps[i]!;
      if (gap.cut !== undefined || gap.forward || gap.backward) continue;
      const a = Math.max(gap.lo, lo);
      const b = Math.min(gap.hi, hi);
      if (b <= a) continue;
      const chain = this.#chain(direction, 'main', window.from, window.to);
      chain.pages.push(...pages);
      chain.over = true;
      const parts: Gap[] = [];
      if (gap.lo < a) parts.push(emptyGap(gap.lo, a));
      parts.push({
        ...emptyGap(a, b),
        forward: direction === 'forward' ? chain : undefined,
        backward: direction === 'backward' ? chain : undefined,
        cut: direction === 'forward' ? b : a,
      });
      if (b < gap.hi) parts.push(emptyGap(b, gap.hi));
      this.#gaps.splice(i, 1, ...parts);
      i += parts.length - 1;
      this.#earliest = Math.min(this.#earliest, first);
      this.#latest = Math.max(this.#latest, last);
    }
  }

  /**
   * Pages that are final, in time order from the stream's beginning up to the first page that is not yet.
   * @param skip how many the caller has already
   */
  ready(skip: number): PlannedPage[] {
    if (this.#mode === 'forward-only' && !this.done) return [];
    const list: PlannedPage[] = [];
    let n = 0;
    const push = (page: SpooledPage, from: EpochMs, to: EpochMs): void => {
      if (page.count === 0 || page.last < from || page.first >= to) return;
      if (n++ >= skip) list.push({ page, from, to });
    };
    for (const gap of this.#gaps) {
      if (gap.forward) {
        if (gap.cut === undefined) {
          const done = forwardDone(gap);
          for (const page of gap.forward.pages) {
            // Events at `done` itself may yet turn out to be the backward side's.
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

  /** For `--tail`: pages in time order of what has been read so far, from a time on. */
  tail(from: EpochMs): PlannedPage[] {
    if (this.#mode === 'forward-only') return this.ready(0);
    const list: PlannedPage[] = [];
    for (const gap of this.#gaps) {
      const pages = gap.backward?.pages ?? [];
      for (let i = pages.length - 1; i >= 0; i--) {
        const page = pages[i]!;
        const lo = Math.max(from, gap.lo);
        if (page.count > 0 && page.last >= lo && page.first < gap.hi)
          list.push({ page, from: lo, to: gap.hi });
      }
    }
    return list;
  }

  /** `--tail` has enough: nothing more is asked. */
  finish(): void {
    for (const gap of this.#open) this.#close(gap, gap.lo);
  }

  #start(gap: Gap, direction: 'forward' | 'backward', lane: LaneName): Chain {
    const chain = this.#chain(direction, lane, gap.lo, gap.hi);
    if (direction === 'forward') gap.forward = chain;
    else gap.backward = chain;
    return chain;
  }

  #chain(direction: 'forward' | 'backward', lane: LaneName, from: EpochMs, to: EpochMs): Chain {
    return {
      id: this.#nextChainId(),
      stream: this.stream,
      direction,
      lane,
      from,
      to,
      token: undefined,
      busy: false,
      over: false,
      ended: false,
      pages: [],
      edge: undefined,
      span: 0,
      startedAt: undefined,
      pageCount: 0,
      emptyInARow: 0,
      failures: 0,
      notBefore: 0,
      newest: undefined,
      abort: new AbortController(),
    };
  }

  #end(gap: Gap, chain: Chain): void {
    chain.over = true;
    chain.ended = true;
    if (chain.direction === 'forward') {
      // It has read to the end of its window, and with it whatever the backward side holds inside equal times.
      this.#close(gap, backwardDone(gap));
    } else {
      this.#close(gap, forwardDone(gap));
    }
  }

  #close(gap: Gap, cut: EpochMs): void {
    gap.cut = cut;
    for (const chain of [gap.forward, gap.backward]) {
      if (!chain) continue;
      stop(chain);
      chain.newest = undefined;
    }
  }

  /** What is unread of a gap, bounded by known times, else by hints: a wrong one only splits at a worse place. */
  #unread(gap: Gap): [EpochMs, EpochMs] {
    let lo = forwardDone(gap);
    let hi = backwardDone(gap);
    if (lo === this.from) lo = Math.max(lo, Math.min(this.#firstHint ?? this.#earliest, this.#earliest));
    if (hi === this.to) hi = Math.min(hi, Math.max(this.#lastHint ?? this.#latest, this.#latest) + 1);
    return [lo, hi];
  }

  /** A new list each time, so that gaps may be closed and split on the way through it. */
  get #open(): Gap[] {
    return this.#gaps.filter(isOpen);
  }

  #gapOf(chain: Chain): Gap | undefined {
    return this.#open.find((gap) => gap.forward === chain || gap.backward === chain);
  }
}

function isOpen(gap: Gap): boolean {
  return gap.cut === undefined;
}
