/** Keeps a scrolling list at its end while its reader is there, and leaves a reader alone who has scrolled up. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Nearer than this the reader is at the end; one notch of a mouse wheel is some 100 px. */
const AT_END_PX = 32;
/** So far up, in heights of the list, a way back is offered although nothing is new. */
const FAR_SCREENS = 1.5;
/** So long after a form was sent the app's next message counts as its answer. */
const ANSWER_WITHIN_MS = 30_000;

interface Geometry {
  content: number;
  visible: number;
  top: number;
}

const UNFOLD = 'unfold';

/** To be called before something opens because the reader asked for it: they read on from there. */
export const unfolds = (within: Element): boolean =>
  within.dispatchEvent(new CustomEvent(UNFOLD, { bubbles: true }));

export interface Following {
  scroller: RefObject<HTMLDivElement | null>;
  onScroll: () => void;
  toEnd: () => void;
  /** The newest entry's `ts` when the reader left the end; undefined while they are there. */
  leftAt: string | undefined;
  /** More than a screen away from the end. */
  far: boolean;
  isFollowing: () => boolean;
  /** Call before entries are put in above: what is on screen stays where it is. */
  keepPlace: () => void;
}

/**
 * The list's content is the scroller's first child.
 *
 * Who scrolled is told by the list's size: a scroll event that comes after the list has grown, but before the page
 * could follow, is the late news of an older position, or of the browser moving the list because a box beside it
 * changed. Only a scroll of a list whose size is as the page left it is the reader's.
 */
export function useFollowing(props: {
  /** Another key is another place: the list starts at its end. */
  place: string;
  newest: { ts: string; isFromApp: boolean } | undefined;
  /** Grows with everything that the reader sends from here: they want to see it and its answer. */
  sent: number;
  /** Grows with every form they send: its answer is shown when it comes. */
  asked: number;
  /** Changes when entries were put in above. */
  earlier: number;
}): Following {
  const { place, newest, sent, asked, earlier } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const seen = useRef<Geometry>({ content: 0, visible: 0, top: 0 });
  const answerUntil = useRef(0);
  const isHidden = useRef(false);
  const fromEnd = useRef<number>(undefined);
  const newestNow = useRef(newest?.ts);
  newestNow.current = newest?.ts;
  const [leftAt, setLeftAt] = useState<string>();
  const [far, setFar] = useState(false);

  const remember = useCallback((element: HTMLElement) => {
    seen.current = {
      content: element.scrollHeight,
      visible: element.clientHeight,
      top: element.scrollTop,
    };
    setFar(distance(element) > FAR_SCREENS * element.clientHeight);
  }, []);
  const toEnd = useCallback(() => {
    follows.current = true;
    setLeftAt(undefined);
    const element = scroller.current;
    // Without a height it is not on screen (on a narrow one a thread covers the channel).
    if (!element || element.clientHeight === 0) return;
    element.scrollTop = element.scrollHeight;
    remember(element);
  }, [remember]);
  /** Takes over where the reader is. */
  const judge = useCallback(
    (element: HTMLElement) => {
      remember(element);
      const atEnd = distance(element) < AT_END_PX;
      if (follows.current === atEnd) return;
      follows.current = atEnd;
      setLeftAt(atEnd ? undefined : (newestNow.current ?? '0'));
    },
    [remember],
  );

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element || element.clientHeight === 0) return;
    const { content, visible } = seen.current;
    if (element.scrollHeight === content && element.clientHeight === visible) {
      answerUntil.current = 0;
      judge(element);
    } else if (follows.current) toEnd();
  }, [judge, toEnd]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another place, or something sent, starts afresh
  useLayoutEffect(() => {
    answerUntil.current = 0;
    toEnd();
  }, [place, sent, toEnd]);
  useEffect(() => {
    if (asked > 0) answerUntil.current = Date.now() + ANSWER_WITHIN_MS;
  }, [asked]);
  const answer = newest?.isFromApp ? newest.ts : undefined;
  useLayoutEffect(() => {
    if (answer === undefined || Date.now() > answerUntil.current) return;
    answerUntil.current = 0;
    toEnd();
  }, [answer, toEnd]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when entries were put in above
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || fromEnd.current === undefined) return;
    element.scrollTop = element.scrollHeight - fromEnd.current;
    fromEnd.current = undefined;
    remember(element);
  }, [earlier, remember]);

  // It changes by messages, by edits, by pictures that load, by the composer that grows beside it.
  useEffect(() => {
    const element = scroller.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;
    const observer = new ResizeObserver(() => {
      const wasHidden = isHidden.current;
      isHidden.current = element.clientHeight === 0;
      if (isHidden.current) return;
      if (follows.current) toEnd();
      else {
        // Not every browser gives its place back to a list that was not shown for a while.
        if (wasHidden) element.scrollTop = seen.current.top;
        judge(element);
      }
    });
    observer.observe(content);
    observer.observe(element);
    const stay = () => {
      if (follows.current) setLeftAt(newestNow.current ?? '0');
      follows.current = false;
    };
    element.addEventListener(UNFOLD, stay);
    return () => {
      observer.disconnect();
      element.removeEventListener(UNFOLD, stay);
    };
  }, [judge, toEnd]);

  const isFollowing = useCallback(() => follows.current, []);
  const keepPlace = useCallback(() => {
    const element = scroller.current;
    if (element) fromEnd.current = element.scrollHeight - element.scrollTop;
  }, []);
  return { scroller, onScroll, toEnd, leftAt, far, isFollowing, keepPlace };
}

const distance = (element: HTMLElement): number =>
  element.scrollHeight - element.scrollTop - element.clientHeight;
