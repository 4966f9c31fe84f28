/**
 * Decides what to ask the service next for one stream. Pure: no clock, no disk, no network.
 *
 * A stream's time range is a row of gaps. Each gap is read from both ends by two chains of pages, one forward
 * and one backward, until they meet. When more chains are useful, a gap is split at a time in its middle. The meeting
 * replaces the request that would only return the same token, and nobody has to guess how dense the events are.
 *
 * The invariant that makes it exact: the forward chain has read everything before `forwardDone`, the backward
 * chain everything from `backwardDone` on. Both are whole milliseconds, because a page may end between events
 * of the same time. A gap is complete when forwardDone ≥ backwardDone. The cut between the two sides is then
 * put on a whole millisecond, so that one side owns all events of any one time.
 *
 * This holds as long as the service orders events by time. The proof that it does: both sides have an event in common
 * and agree around it (chain-overlap.ts), or one side has read its whole window. No gap closes without such a proof.
 */
import type { EpochMs } from '../ground/time.ts';
import type { LogPage } from '../ports/log-source.ts';
import { compare, indexOf, unindexed } from './chain-overlap.ts';
import {
  backwardDone,
  type Chain,
  emptyGap,
  forwardDone,
  type Gap,
  isHeard,
  isOpen,
  type LaneName,
  nearlyClosed,
  newChain,
  pagesToShare,
  type Split,
  type SplitMood,
  stop,
  stopAll,
  touching,
  unreadOf,
  wholeGap,
} from './gap.ts';
import { finalPages, latestPages, type PageVerdict, type PlannedPage } from './planned-pages.ts';
import { restoredGaps } from './restored-gaps.ts';
import type { SpooledPage } from './spool.ts';

export interface StreamPlanOptions {
  stream: number;
  from: EpochMs;
  to: EpochMs;
  mode: 'both-ends' | 'forward-only' | 'tail';
  firstHint?: EpochMs | undefined;
  lastHint?: EpochMs | undefined;
  nextChainId: () => number;
  /** With `both-ends`: nothing else is asked for before the newest event is known, so that all other pages are read after it. */
  newestFirst?: boolean | undefined;
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
  /** Whether order and times disagree. Pages may then overlap in time and are merged as several runs. */
  #disordered = false;
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  readonly #seenTokens = new Set<string>();
  /** The first page from the end has not come yet. */
  #awaitsNewest: boolean;
  #newest: EpochMs | undefined;

  constructor(options: StreamPlanOptions) {
    this.stream = options.stream;
    this.from = options.from;
    this.to = options.to;
    this.#mode = options.mode;
    this.#firstHint = options.firstHint;
    this.#lastHint = options.lastHint;
    this.#nextChainId = options.nextChainId;
    this.#gaps = [wholeGap(options.from, options.to)];
    this.#awaitsNewest = options.newestFirst === true && options.mode === 'both-ends';
  }

  /** With `newestFirst`: the newest event of the first page that was read at the end. */
  get newest(): EpochMs | undefined {
    return this.#newest;
  }

  get disordered(): boolean {
    return this.#disordered;
  }

  get mode(): StreamPlanOptions['mode'] {
    return this.#mode;
  }

  /** It has not been divided: one chain can read all of it. */
  get isUndivided(): boolean {
    return this.#gaps.length === 1;
  }

  get done(): boolean {
    return !this.#gaps.some(isOpen);
  }

  /** The time from which everything has been read, for `--tail`. */
  get completeFrom(): EpochMs {
    for (let i = this.#gaps.length - 1; i >= 0; i--) {
      const gap = this.#gaps[i]!;
      if (gap.cut === undefined) return backwardDone(gap);
    }
    return this.from;
  }

  /** Milliseconds still unread, and of the whole range, as far as they are known. */
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

  /**
   * The free chain of a lane with most left to read, if its next page would not be wasted.
   * @param inSequence only forward, one page after the other
   */
  idle(lane: LaneName, now: number, inSequence = false): Chain | undefined {
    let best: Chain | undefined;
    let bestRemaining = -1;
    for (const gap of this.#open) {
      const remaining = unreadOf(gap);
      const isRead = remaining <= 0;
      for (const chain of [gap.forward, gap.backward]) {
        if (!chain || chain.busy || chain.over || chain.lane !== lane || chain.notBefore > now) continue;
        const other = chain === gap.forward ? gap.backward : gap.forward;
        if (inSequence && chain === gap.backward && isHeard(chain)) continue;
        // Everything is read. Only a side that has had no page yet can still prove the order.
        if (isRead && isHeard(chain)) continue;
        // The other side's next page may close the gap. Asking from here too would fetch it twice.
        if (other?.busy && nearlyClosed(gap)) continue;
        // Among events of the same time only the forward side goes on, because it owns them.
        if (chain === gap.backward && gap.forward && !gap.forward.over && touching(gap)) continue;
        // This side has found nothing yet. If there is nothing, one side is enough to find that out.
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

  /** Starts a chain at the end of a gap that has none yet. @param inSequence none backward */
  open(lane: LaneName, inSequence = false): Chain | undefined {
    if (this.#awaitsNewest) {
      const top = this.#gaps[this.#gaps.length - 1]!;
      if (isOpen(top))
        return lane === 'main' && !top.backward ? this.#start(top, 'backward', lane) : undefined;
      this.#awaitsNewest = false;
    }
    for (const gap of this.#open.sort((a, b) => unreadOf(b) - unreadOf(a))) {
      if (this.#mode === 'tail') {
        if (lane === 'main' && !gap.backward) return this.#start(gap, 'backward', lane);
        continue;
      }
      // Either lane can read forward, and the second one nothing else.
      if (!gap.forward) return this.#start(gap, 'forward', lane);
      if (this.#mode === 'both-ends' && lane === 'main' && !gap.backward && !inSequence) {
        return this.#start(gap, 'backward', lane);
      }
    }
    return undefined;
  }

  /** The most useful split, if any is worth it. */
  splittable(mood: SplitMood): Split | undefined {
    let best: Split | undefined;
    if (this.#mode !== 'both-ends' || this.#awaitsNewest) return undefined;
    for (const gap of this.#open) {
      const [lo, hi] = this.#unread(gap);
      if (!Number.isFinite(lo) || !Number.isFinite(hi) || hi - lo < 2) continue;
      const pages = pagesToShare(gap, hi - lo, mood);
      if (pages > (best?.pages ?? 0)) best = { gap, pages, at: Math.floor(lo + (hi - lo) / 2) };
    }
    return best;
  }

  /** Splits a gap. `open` starts chains at the two new ends when they are wanted. */
  split({ gap, at }: Split): void {
    const upper: Gap = { ...emptyGap(at, gap.hi), backward: gap.backward };
    gap.hi = at;
    gap.pages = 0;
    gap.backward = undefined;
    this.#gaps.splice(this.#gaps.indexOf(gap) + 1, 0, upper);
  }

  /**
   * Takes the index of a chain's next page, before the page is spooled. The page must be sorted by time.
   * @param wasSorted whether the service sent it sorted
   * @param inSequence no chain is to come towards it
   */
  accept(chain: Chain, page: LogPage, wasSorted: boolean, inSequence = false): PageVerdict {
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
    if (this.#awaitsNewest && (inside || ended)) {
      this.#awaitsNewest = false;
      if (inside) this.#newest = last;
    }
    if (inside) {
      if (chain.edge !== undefined) {
        if (chain.direction === 'forward' ? first < chain.edge : last > chain.edge) return 'disorder';
      }
      chain.span = last - first;
      chain.startedAt ??= chain.direction === 'forward' ? first : last;
      chain.pageCount++;
      gap.pages++;
      chain.newest = inSequence && !gap.backward ? unindexed(last) : indexOf(chain, page);
      chain.edge = chain.direction === 'forward' ? last : first;
    }
    if (ended) this.#end(gap, chain);
    if (gap.cut === undefined && unreadOf(gap) <= 0) {
      const meeting = compare(gap.forward?.newest, gap.backward?.newest);
      if (meeting === 'same') this.#close(gap, forwardDone(gap));
      // A side without a page is still asked, because its first page is the proof.
      else if (meeting === 'different' || (isHeard(gap.forward) && isHeard(gap.backward))) return 'disorder';
    }
    return inside ? 'keep' : 'unused';
  }

  /** Starts over: reads everything in sequence, to be sorted afterwards. */
  fallBack(): void {
    this.startOver();
    this.#mode = 'forward-only';
    this.#disordered = true;
    this.#awaitsNewest = false;
  }

  /** Forgets all that was read. */
  startOver(): void {
    for (const gap of this.#gaps) stopAll(gap);
    this.#gaps = [wholeGap(this.from, this.to)];
  }

  /** Gives up a chain's token (expired, or its lane is closed). What it read stays; the rest is opened anew by time. */
  reopen(chain: Chain): void {
    const gap = this.#gapOf(chain);
    if (!gap) return;
    stop(chain);
    if (this.#mode === 'forward-only') {
      // Here times do not tell what has been read, so it must begin again.
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
    // What was read becomes a gap of its own, which still needs the proof from its other side.
    const below: Gap = { ...emptyGap(gap.lo, done), forward: gap.forward };
    const above: Gap = { ...emptyGap(done, gap.hi), backward: gap.backward };
    // `tail` has no forward side to give it, so the order is trusted there.
    if (this.#mode === 'tail') above.cut = done;
    this.#gaps.splice(at, 1, below, above);
  }

  /** Adds the pages of one chain of an interrupted download. */
  restore(
    direction: 'forward' | 'backward',
    window: { from: EpochMs; to: EpochMs },
    pages: SpooledPage[],
  ): void {
    const restored = restoredGaps(this.#gaps, { direction, window, pages }, () =>
      this.#chain(direction, 'main', window.from, window.to),
    );
    if (!restored) return;
    this.#gaps = restored.gaps;
    this.#earliest = Math.min(this.#earliest, restored.first);
    this.#latest = Math.max(this.#latest, restored.last);
  }

  /**
   * The pages that are final, in time order, up to the first one that is not.
   * @param skip how many of them the caller already has
   */
  ready(skip: number): PlannedPage[] {
    // Read in sequence, a page's time says nothing about what may still come.
    if (this.#mode === 'forward-only' && !this.done) return [];
    return finalPages(this.#gaps, skip);
  }

  /** For `--tail`: the pages read so far, in time order, from a time on. */
  tail(from: EpochMs): PlannedPage[] {
    return this.#mode === 'forward-only' ? this.ready(0) : latestPages(this.#gaps, from);
  }

  /** Ends the reading, when `--tail` has enough. */
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
    return newChain({ id: this.#nextChainId(), stream: this.stream, direction, lane, from, to });
  }

  #end(gap: Gap, chain: Chain): void {
    chain.over = true;
    chain.ended = true;
    if (chain.direction === 'forward') {
      // It has read to the end of its window, including what the backward side has of the same times.
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

  /** The unread part of a gap, bounded by known times, else by hints. A wrong hint only makes a split less useful. */
  #unread(gap: Gap): [EpochMs, EpochMs] {
    let lo = forwardDone(gap);
    let hi = backwardDone(gap);
    if (lo === this.from) lo = Math.max(lo, Math.min(this.#firstHint ?? this.#earliest, this.#earliest));
    if (hi === this.to) hi = Math.min(hi, Math.max(this.#lastHint ?? this.#latest, this.#latest) + 1);
    return [lo, hi];
  }

  /** A new list each time, so that gaps can be closed and split while iterating. */
  get #open(): Gap[] {
    return this.#gaps.filter(isOpen);
  }

  #gapOf(chain: Chain): Gap | undefined {
    return this.#open.find((gap) => gap.forward === chain || gap.backward === chain);
  }
}
