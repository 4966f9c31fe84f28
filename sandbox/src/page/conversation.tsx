/** A channel (or the conversation with the app) and, beside it, one of its threads. */
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import type { SandboxChannel, SandboxMessage } from '../protocol.ts';
import { api, SandboxError } from './api.ts';
import { encodeMessage, splitCommand } from './completion.ts';
import { Composer } from './composer.tsx';
import { useDirectory } from './directory.tsx';
import { commandFailure, interactionFailure } from './failures.ts';
import type { Notice } from './message.tsx';
import { byTime, isReply, MessageList } from './messages.tsx';
import { Avatar } from './ui/avatar.tsx';
import { Icon } from './ui/icons.tsx';
import type { MenuItem } from './ui/menu.tsx';
import { toast } from './ui/toasts.tsx';

export interface ConversationProps {
  channel: SandboxChannel;
  messages: Readonly<Record<string, SandboxMessage>> | undefined;
  loaded: boolean;
  notices: readonly Notice[];
  onNotice: (notice: Omit<Notice, 'id' | 'ts'>) => void;
  onDismiss: (notice: Notice) => void;
  readUpTo: string | undefined;
  thread: string | undefined;
  onThread: (ts: string | undefined) => void;
  loadThread: (channel: string, ts: string) => void;
  /** Grows with every form that the viewer has sent. */
  asked: number;
  /** Grows whenever the composer should have the focus; 0 leaves it where it is. */
  focus: number;
}

function useSender(props: Pick<ConversationProps, 'channel' | 'onNotice'>) {
  const directory = useDirectory();
  const { channel, onNotice } = props;
  return async (text: string, thread_ts?: string): Promise<boolean> => {
    const notice = (words: string) => onNotice({ channel: channel.id, thread: thread_ts, text: words });
    const command = splitCommand(text);
    if (command) {
      if (thread_ts) {
        notice(`${command.command} is not supported in threads. Sorry!`);
        return false;
      }
      const result = await api.command({ user: directory.viewer, channel: channel.id, ...command });
      if (!result.ok) notice(commandFailure(command.command, result));
      return result.ok;
    }
    try {
      await api.send({
        user: directory.viewer,
        channel: channel.id,
        text: encodeMessage(text),
        ...(thread_ts ? { thread_ts } : {}),
      });
      return true;
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      toast.error(`The message was not sent: ${error.message}`);
      return false;
    }
  };
}

function Intro({ channel, empty }: { channel: SandboxChannel; empty: boolean }) {
  const { state, user } = useDirectory();
  if (channel.is_im)
    return (
      <div className="intro">
        <Avatar user={user(state.app.bot_user)} size={56} />
        <h2>{state.app.name}</h2>
        <p>This is the direct conversation with the app. Only you two see it.</p>
      </div>
    );
  return (
    <div className="intro">
      <h2>
        <Icon name={channel.is_private ? 'lock' : 'hash'} size={24} /> {channel.name}
      </h2>
      <p>
        {channel.topic ? `${channel.topic}. ` : ''}
        {empty
          ? 'No messages yet: this is the very beginning of the channel.'
          : 'This is the very beginning of the channel.'}
      </p>
    </div>
  );
}

const HINT_SEEN = 'sandbox.hint-seen';

/** What to try first; gone for good once dismissed or once anything was sent. */
function useHint(): [shown: boolean, dismiss: () => void] {
  const [seen, setSeen] = useState(() => localStorage.getItem(HINT_SEEN) === 'yes');
  return [
    !seen,
    () => {
      localStorage.setItem(HINT_SEEN, 'yes');
      setSeen(true);
    },
  ];
}

function Hint({ onDismiss }: { onDismiss: () => void }) {
  const { state } = useDirectory();
  return (
    <aside className="hint" aria-label="What to try">
      <Icon name="bolt" />
      <p>
        <strong>
          Type <kbd>/</kbd> to see what {state.app.name} can do.
        </strong>{' '}
        A bare command explains itself. You can also act as somebody else (below the channel list), open the
        app's Home, or make things fail from the sandbox menu.
      </p>
      <button type="button" className="icon-button" aria-label="Dismiss hint" onClick={onDismiss}>
        <Icon name="close" />
      </button>
    </aside>
  );
}

export function Conversation(props: ConversationProps) {
  const { channel, messages, thread, loadThread, onThread } = props;
  const directory = useDirectory();
  const send = useSender(props);
  const [sent, setSent] = useState(0);
  const [hint, dismissHint] = useHint();
  const [roots, replies] = useMemo(() => {
    const all = Object.values(messages ?? {}).sort(byTime);
    const byThread = new Map<string, SandboxMessage[]>();
    for (const message of all)
      if (isReply(message) && message.thread_ts) {
        const list = byThread.get(message.thread_ts);
        if (list) list.push(message);
        else byThread.set(message.thread_ts, [message]);
      }
    const inMain = all.filter((message) => !isReply(message) || message.subtype === 'thread_broadcast');
    return [inMain, byThread] as const;
  }, [messages]);
  const here = useMemo(
    () => props.notices.filter((notice) => notice.channel === channel.id),
    [props.notices, channel.id],
  );
  const inChannel = useMemo(() => here.filter((notice) => notice.thread === undefined), [here]);
  useEffect(() => {
    if (thread) loadThread(channel.id, thread);
  }, [thread, channel.id, loadThread]);

  const { app } = directory.state;
  const shortcuts = app.global_shortcuts.map(
    (shortcut): MenuItem => ({
      key: shortcut.callback_id,
      label: shortcut.name,
      note: shortcut.description,
      onSelect: () =>
        void api
          .shortcut({ user: directory.viewer, callback_id: shortcut.callback_id, channel: channel.id })
          .then((result) => {
            if (!result.ok) toast.error(interactionFailure(`“${shortcut.name}” did not work`, result));
          }),
    }),
  );
  const title = channel.is_im ? app.name : `#${channel.name}`;
  const intro = props.loaded ? <Intro channel={channel} empty={roots.length === 0} /> : <Skeleton />;

  return (
    <>
      <div className="conversation">
        <MessageList
          place={`${directory.viewer} ${channel.id}`}
          label={`Messages in ${title}`}
          messages={roots}
          notices={inChannel}
          replies={replies}
          readUpTo={props.readUpTo}
          sent={sent}
          asked={props.asked}
          intro={intro}
          onOpenThread={onThread}
          onDismiss={props.onDismiss}
        />
        {hint && <Hint onDismiss={dismissHint} />}
        {channel.is_archived ? (
          <p className="archived">This channel is archived: it can be read, not written to.</p>
        ) : !channel.is_im && !channel.members.includes(directory.viewer) ? (
          <div className="archived">
            <p>You are looking at #{channel.name} without being a member.</p>
            <button
              type="button"
              className="button button-primary"
              onClick={() =>
                void api
                  .join(channel.id, directory.viewer)
                  .catch((error: unknown) =>
                    toast.error(error instanceof Error ? error.message : String(error)),
                  )
              }
            >
              Join channel
            </button>
          </div>
        ) : (
          <Composer
            key={channel.id}
            label={`Message ${title}`}
            placeholder={`Message ${title}`}
            shortcuts={shortcuts}
            focus={props.focus}
            onSend={(text) => {
              if (hint) dismissHint();
              setSent((times) => times + 1);
              return send(text);
            }}
          />
        )}
      </div>
      {thread && (
        <Thread
          {...props}
          root={messages?.[thread]}
          ts={thread}
          replies={replies.get(thread) ?? []}
          notices={here.filter((notice) => notice.thread === thread)}
          onClose={() => onThread(undefined)}
          onSend={(text) => send(text, thread)}
        />
      )}
    </>
  );
}

function Skeleton(): ReactNode {
  return (
    <div className="skeleton" role="status" aria-label="Loading messages">
      {[62, 84, 40].map((width) => (
        <div key={width}>
          <span />
          <span style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}

const NO_REPLIES: ReadonlyMap<string, SandboxMessage[]> = new Map();

function Thread(props: {
  channel: SandboxChannel;
  ts: string;
  root: SandboxMessage | undefined;
  replies: readonly SandboxMessage[];
  notices: readonly Notice[];
  onDismiss: (notice: Notice) => void;
  asked: number;
  onClose: () => void;
  onSend: (text: string) => Promise<boolean>;
}) {
  const { channel, root, replies } = props;
  const [sent, setSent] = useState(0);
  const all = useMemo(() => (root ? [root, ...replies] : replies), [root, replies]);
  return (
    <aside
      className="thread"
      aria-label="Thread"
      onKeyDown={(event) => {
        if (event.key === 'Escape') props.onClose();
      }}
    >
      <header className="pane-head">
        <div>
          <h2>Thread</h2>
          <span className="pane-topic">{channel.is_im ? 'Direct message' : `#${channel.name}`}</span>
        </div>
        <button type="button" className="icon-button" aria-label="Close thread" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </header>
      <MessageList
        place={props.ts}
        label="Messages in the thread"
        messages={all}
        notices={props.notices}
        replies={NO_REPLIES}
        sent={sent}
        asked={props.asked}
        intro={null}
        onDismiss={props.onDismiss}
      />
      <Composer
        key={props.ts}
        label="Reply in thread"
        placeholder="Reply…"
        focus={1}
        onSend={(text) => {
          setSent((times) => times + 1);
          return props.onSend(text);
        }}
      />
    </aside>
  );
}
