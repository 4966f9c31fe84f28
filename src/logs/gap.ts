/**
 * A stretch of a stream's time and the two chains of pages that read it, one from each end: how far they have come, and
 * how much may be left by a guess.
 */
import type { EpochMs } from '../ground/time.ts';
import type { ChainIndex } from './chain-overlap.ts';
import { dropAhead, type PageAhead } from './page-ahead.ts';
import type { SpooledPage } from './spool.ts';

export type LaneName = 'main' | 'second';

/** One run of pages by token, in one direction, in a window that never changes (tokens belong to it). */
export interface Chain {
  readonly id: number;
  readonly stream: number;
  readonly direction: 'forward' | 'backward';
  readonly lane: LaneName;
  /** Window, `from` inclusive, `to` exclusive. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  token: string | undefined;
  ahead: PageAhead | undefined;
  busy: boolean;
  /** The service said there is no more, or the gap closed. */
  over: boolean;
  /** Reached the end of its window by a repeated token. */
  ended: boolean;
  readonly pages: SpooledPage[];
  /** Latest (forward) or earliest (backward) event time seen. */
  edge: EpochMs | undefined;
  /** How long the last page with events was, ms: for guessing whether the gap needs another page at all. */
  span: number;
  /** Time of the first event seen, and pages with events since: how fast this chain gets on. */
  startedAt: EpochMs | undefined;
  pageCount: number;
  emptyInARow: number;
  failures: number;
  /** Not before this time (engine clock), after a failure. */
  notBefore: number;
  /** The newest events seen, for comparing where chains meet. */
  newest: ChainIndex | undefined;
  readonly abort: AbortController;
}

/** A stretch of a stream's time between two chains, or beside one, or which nobody reads yet. */
export interface Gap {
  /** Inclusive. */
  lo: EpochMs;
  /** Exclusive. */
  hi: EpochMs;
  forward: Chain | undefined;
  backward: Chain | undefined;
  /** Pages with events read since the gap has been what it is. */
  pages: number;
  /** Set when complete: the forward side keeps times before it, the backward side the rest. */
  cut: EpochMs | undefined;
}

/** A chain that has asked for nothing yet. */
export function newChain(given: Pick<Chain, 'id' | 'stream' | 'direction' | 'lane' | 'from' | 'to'>): Chain {
  return {
    ...given,
    token: undefined,
    ahead: undefined,
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

export function emptyGap(lo: EpochMs, hi: EpochMs): Gap {
  return { lo, hi, forward: undefined, backward: undefined, pages: 0, cut: undefined };
}

/** All of a stream's range, which may be none. */
export function wholeGap(from: EpochMs, to: EpochMs): Gap {
  return { ...emptyGap(from, to), cut: from >= to ? to : undefined };
}

/** Whether something in it may be unread, or nobody has proved the order yet. */
export function isOpen(gap: Gap): boolean {
  return gap.cut === undefined;
}

/** Everything in the gap before this time has been read by the forward side; within the gap. */
export function forwardDone(gap: Gap): EpochMs {
  const chain = gap.forward;
  if (!chain) return gap.lo;
  if (chain.ended) return gap.hi;
  return Math.min(gap.hi, Math.max(gap.lo, chain.edge ?? gap.lo));
}

/** Everything in the gap from this time on has been read by the backward side; within the gap. */
export function backwardDone(gap: Gap): EpochMs {
  const chain = gap.backward;
  if (!chain) return gap.hi;
  if (chain.ended) return gap.lo;
  return Math.max(gap.lo, Math.min(gap.hi, (chain.edge ?? gap.hi - 1) + 1));
}

/** Milliseconds that neither side has read; 0 or less when they have met. */
export function unreadOf(gap: Gap): number {
  return backwardDone(gap) - forwardDone(gap);
}

/** Both sides stand at the same time; how many events of that time lie between is unknown. */
export function touching(gap: Gap): boolean {
  return unreadOf(gap) === 1 && isHeard(gap.forward);
}

/** An event of its window has come. */
export function isHeard(chain: Chain | undefined): boolean {
  return chain?.edge !== undefined;
}

/** It will be heard in a moment, or prove to have nothing. */
function isAwaited(chain: Chain | undefined): boolean {
  return chain !== undefined && !chain.over && !isHeard(chain);
}

export function stop(chain: Chain): void {
  chain.over = true;
  if (chain.busy || chain.ahead) chain.abort.abort();
  dropAhead(chain);
}

export function stopAll(gap: Gap): void {
  for (const chain of [gap.forward, gap.backward]) if (chain) stop(chain);
}

/** A guess from the length of the pages on both sides: about one more page closes the gap. */
export function nearlyClosed(gap: Gap): boolean {
  const spans = [gap.forward?.span ?? 0, gap.backward?.span ?? 0].filter((span) => span > 0);
  return spans.length > 0 && unreadOf(gap) <= Math.min(...spans);
}

/** A gap, the time to split it at, and about how many pages the new chains would share. */
export interface Split {
  gap: Gap;
  at: EpochMs;
  pages: number;
}

/**
 * Whether requests are what is scarce, or time is: with `eager`, many more of them could be on their way than there
 * are chains, so that one for nothing keeps nobody waiting; with `saving`, nobody is in a hurry.
 */
export type SplitMood = 'saving' | 'sparing' | 'eager';
/** Pages that a gap must be guessed to take still, before it is split. */
const PAGES_LEFT_FOR_SPLIT = 3;
const MANY_PAGES_LEFT = 24;
/** Pages that it must have taken by then. */
function pagesBeforeSplit(mood: SplitMood, left: number): number {
  if (mood !== 'eager') return 5;
  return left >= MANY_PAGES_LEFT ? 2 : 3;
}

/**
 * Pages that a split could share out among more chains, by a guess; 0 where it is not worth it. A split costs about one
 * page of overlap, so it must have pages to win. Two things must speak for that: the gap has gone on for some pages
 * already (what has lasted is likely to last), and at the pace of its two chains, silences included, several pages are
 * left. Where time is scarce the pace of the last pages will do: the dense part that they come from may be all that
 * is left to wait for.
 * @param unread milliseconds that may hold events still
 */
export function pagesToShare(gap: Gap, unread: number, mood: SplitMood): number {
  // A side that will be heard in a moment may turn out to have nothing but silence before it.
  if (gap.pages === 0 || isAwaited(gap.forward) || isAwaited(gap.backward)) return 0;
  let passed = 0;
  let pages = 0;
  let densest = Number.POSITIVE_INFINITY;
  for (const chain of [gap.forward, gap.backward]) {
    if (!chain || chain.startedAt === undefined || chain.edge === undefined) continue;
    passed += Math.abs(chain.edge - chain.startedAt);
    pages += chain.pageCount;
    densest = Math.min(densest, chain.span);
  }
  const onAverage = passed / pages;
  const left = unread / Math.max(1, mood === 'eager' ? Math.min(onAverage, densest) : onAverage);
  const enough = mood === 'saving' ? MANY_PAGES_LEFT : PAGES_LEFT_FOR_SPLIT;
  return left >= enough && gap.pages >= pagesBeforeSplit(mood, left) ? left : 0;
}
