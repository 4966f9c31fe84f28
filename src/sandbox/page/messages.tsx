/** A scrolling list of messages: days, unread mark, newest at the bottom. */
import {
  Fragment,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { SandboxMessage } from '../protocol.ts';
import { Message, type Notice, NoticeMessage } from './message.tsx';
import { dateOf, dayKey, dayName } from './mrkdwn/dates.ts';
import { Icon } from './ui/icons.tsx';

const TOGETHER_S = 300;
const SHOWN_AT_FIRST = 150;
const NEAR_BOTTOM_PX = 80;

type Entry = { ts: string; message: SandboxMessage } | { ts: string; notice: Notice };

export const byTime = (a: { ts: string }, b: { ts: string }): number => {
  const [x, y] = [Number.parseFloat(a.ts), Number.parseFloat(b.ts)];
  return x === y ? (a.ts < b.ts ? -1 : 1) : x - y;
};

export const isReply = (message: SandboxMessage): boolean =>
  message.thread_ts !== undefined && message.thread_ts !== message.ts;

const together = (before: Entry | undefined, entry: Entry): boolean =>
  before !== undefined &&
  'message' in before &&
  'message' in entry &&
  before.message.user === entry.message.user &&
  !before.message.ephemeral_to &&
  !entry.message.ephemeral_to &&
  !before.message.files?.length &&
  Number(entry.ts) - Number(before.ts) < TOGETHER_S;

export function MessageList(props: {
  /** Another key is another place: the list starts at its newest message. */
  place: string;
  viewer: string;
  label: string;
  messages: readonly SandboxMessage[];
  notices: readonly Notice[];
  replies: ReadonlyMap<string, SandboxMessage[]>;
  /** Messages after this `ts` are new. */
  readUpTo?: string | undefined;
  intro: ReactNode;
  onOpenThread?: ((ts: string) => void) | undefined;
  onDismiss: (notice: Notice) => void;
}) {
  const { place, messages, notices, readUpTo } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [below, setBelow] = useState(false);
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const entries = useMemo(
    () =>
      [
        ...messages.map((message): Entry => ({ ts: message.ts, message })),
        ...notices.map((notice): Entry => ({ ts: notice.ts, notice })),
      ].sort(byTime),
    [messages, notices],
  );
  const hidden = Math.max(0, entries.length - limit);
  const shown = hidden > 0 ? entries.slice(hidden) : entries;

  const toBottom = useCallback(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another place starts afresh
  useLayoutEffect(() => {
    follows.current = true;
    setLimit(SHOWN_AT_FIRST);
    toBottom();
  }, [place, toBottom]);
  const last = entries.at(-1);
  const ownLast = last && ('notice' in last || last.message.user === props.viewer) ? last.ts : undefined;
  // Who has just written something wants to see it.
  useLayoutEffect(() => {
    if (ownLast === undefined) return;
    follows.current = true;
    toBottom();
  }, [ownLast, toBottom]);
  // The list grows by messages, by edits and by images that load: it stays at the bottom through all of them.
  useEffect(() => {
    const element = scroller.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;
    const observer = new ResizeObserver(() => {
      if (follows.current) toBottom();
      else setBelow(true);
    });
    observer.observe(content);
    observer.observe(element);
    return () => observer.disconnect();
  }, [toBottom]);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_BOTTOM_PX;
    if (follows.current) setBelow(false);
  };

  let day: number | undefined;
  let marked = readUpTo === undefined;
  return (
    <div className="message-scroll-frame">
      <div
        className="message-scroll"
        ref={scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={props.label}
      >
        <div className="message-list">
          {hidden === 0 ? (
            props.intro
          ) : (
            <button type="button" className="button earlier" onClick={() => setLimit(limit + SHOWN_AT_FIRST)}>
              Show earlier messages ({hidden})
            </button>
          )}
          {shown.map((entry, index) => {
            const date = dateOf(entry.ts);
            const own = dayKey(date);
            const newDay = own !== day;
            day = own;
            const isNew = !marked && 'message' in entry && byTime({ ts: readUpTo ?? '0' }, entry) < 0;
            if (isNew) marked = true;
            return (
              <Fragment key={'message' in entry ? entry.ts : `notice-${entry.notice.id}`}>
                {newDay && (
                  // biome-ignore lint/a11y/useSemanticElements: an hr cannot hold the day's name
                  <div className="day" role="separator" aria-label={dayName(date)}>
                    <span>{dayName(date)}</span>
                  </div>
                )}
                {isNew && (
                  // biome-ignore lint/a11y/useSemanticElements: an hr cannot hold the word
                  <div className="new-mark" role="separator" aria-label="New messages">
                    <span>New</span>
                  </div>
                )}
                {'message' in entry ? (
                  <Message
                    message={entry.message}
                    compact={!newDay && !isNew && together(shown[index - 1], entry)}
                    replies={props.replies.get(entry.ts) ?? NONE}
                    onOpenThread={props.onOpenThread}
                  />
                ) : (
                  <NoticeMessage notice={entry.notice} onDismiss={() => props.onDismiss(entry.notice)} />
                )}
              </Fragment>
            );
          })}
        </div>
      </div>
      {below && (
        <button
          type="button"
          className="to-newest"
          onClick={() => {
            follows.current = true;
            toBottom();
            setBelow(false);
          }}
        >
          <Icon name="down" size={16} /> Newest
        </button>
      )}
    </div>
  );
}

const NONE: SandboxMessage[] = [];
