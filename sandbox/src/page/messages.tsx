/** A scrolling list of messages: days, unread mark, newest at the bottom. */
import { Fragment, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { SandboxMessage } from '../protocol.ts';
import { useDirectory } from './directory.tsx';
import { useFollowing } from './following.ts';
import { Message, type Notice, NoticeMessage } from './message.tsx';
import { dateOf, dayKey, dayName } from './mrkdwn/dates.ts';
import { Icon } from './ui/icons.tsx';

const TOGETHER_S = 300;
const SHOWN_AT_FIRST = 150;

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
  label: string;
  messages: readonly SandboxMessage[];
  notices: readonly Notice[];
  replies: ReadonlyMap<string, SandboxMessage[]>;
  /** Messages after this `ts` are new. */
  readUpTo?: string | undefined;
  /** How often the viewer has sent something from here, and how many forms: see `useFollowing`. */
  sent: number;
  asked: number;
  intro: ReactNode;
  onOpenThread?: ((ts: string) => void) | undefined;
  onDismiss: (notice: Notice) => void;
}) {
  const { place, messages, notices, readUpTo } = props;
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

  const { user } = useDirectory();
  const last = entries.at(-1);
  const newest = last && {
    ts: last.ts,
    isFromApp: 'message' in last && (user(last.message.user)?.is_bot ?? last.message.bot_id !== undefined),
  };
  const { scroller, onScroll, toEnd, leftAt, far, isFollowing, keepPlace } = useFollowing({
    place,
    newest,
    sent: props.sent,
    asked: props.asked,
    earlier: limit,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another place starts afresh
  useLayoutEffect(() => setLimit(SHOWN_AT_FIRST), [place]);
  // What somebody reads must not drop out at the top because something was added at the bottom.
  const count = useRef(entries.length);
  useLayoutEffect(() => {
    const added = entries.length - count.current;
    count.current = entries.length;
    if (added > 0 && !isFollowing()) setLimit((before) => before + added);
  }, [entries.length, isFollowing]);
  const isUnseen = (entry: Entry): boolean => leftAt !== undefined && byTime({ ts: leftAt }, entry) < 0;
  const unseen = entries.filter(isUnseen).length;

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
            <button
              type="button"
              className="button earlier"
              onClick={() => {
                keepPlace();
                setLimit(limit + SHOWN_AT_FIRST);
              }}
            >
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
      {leftAt !== undefined && (unseen > 0 || far) && (
        <button type="button" className="to-newest" onClick={toEnd}>
          <Icon name="down" size={16} />{' '}
          {unseen === 0 ? 'Newest' : `${unseen} new message${unseen === 1 ? '' : 's'}`}
        </button>
      )}
    </div>
  );
}

const NONE: SandboxMessage[] = [];
