import { memo, useState } from 'react';
import type { SandboxMessage } from '../protocol.ts';
import { api } from './api.ts';
import { Blocks, FoldedText } from './blocks/blocks.tsx';
import { SurfaceProvider } from './blocks/surface.tsx';
import type { AnyBlock } from './blocks/types.ts';
import { useDirectory } from './directory.tsx';
import { interactionFailure } from './failures.ts';
import { FileCard } from './files.tsx';
import { clock, dateOf, inFull } from './mrkdwn/dates.ts';
import { plainText } from './mrkdwn/parse.ts';
import { Avatar } from './ui/avatar.tsx';
import { Icon } from './ui/icons.tsx';
import { MenuButton, type MenuItem } from './ui/menu.tsx';
import { toast } from './ui/toasts.tsx';

export interface MessageProps {
  message: SandboxMessage;
  /** Follows another one of the same author at once: without avatar and name. */
  compact: boolean;
  replies: readonly SandboxMessage[];
  /** Absent inside a thread. */
  onOpenThread?: ((ts: string) => void) | undefined;
}

function Toolbar({ message, onOpenThread }: Pick<MessageProps, 'message' | 'onOpenThread'>) {
  const directory = useDirectory();
  const [open, setOpen] = useState(false);
  const { app } = directory.state;
  const copy = (text: string, done: string) =>
    void navigator.clipboard.writeText(text).then(
      () => toast.info(done),
      () => toast.error('The browser did not allow copying.'),
    );
  const shortcuts = message.ephemeral_to
    ? []
    : app.message_shortcuts.map(
        (shortcut): MenuItem => ({
          key: shortcut.callback_id,
          label: shortcut.name,
          note: app.name,
          onSelect: () =>
            void api
              .shortcut({
                user: directory.viewer,
                callback_id: shortcut.callback_id,
                channel: message.channel,
                message_ts: message.ts,
              })
              .then((result) => {
                if (!result.ok) toast.error(interactionFailure(`“${shortcut.name}” did not work`, result));
              }),
        }),
      );
  const items: MenuItem[] = [
    ...shortcuts,
    {
      key: 'copy-text',
      label: 'Copy text',
      onSelect: () => copy(plainText(message.text), 'Text copied.'),
    },
    {
      key: 'copy-ts',
      label: 'Copy timestamp',
      note: message.ts,
      onSelect: () => copy(message.ts, 'Timestamp copied.'),
    },
  ];
  return (
    <div className={`message-toolbar${open ? ' message-toolbar-open' : ''}`}>
      {onOpenThread && !message.ephemeral_to && (
        <button
          type="button"
          className="icon-button"
          aria-label="Reply in thread"
          title="Reply in thread"
          onClick={() => onOpenThread(message.thread_ts ?? message.ts)}
        >
          <Icon name="reply" />
        </button>
      )}
      <MenuButton
        className="icon-button"
        label="More actions"
        align="end"
        items={items}
        onOpenChange={setOpen}
      >
        <Icon name="more" />
      </MenuButton>
    </div>
  );
}

function ThreadLink({ message, replies: all, onOpenThread }: MessageProps) {
  const directory = useDirectory();
  // What one person alone sees is no reply.
  const replies = all.filter(({ ephemeral_to }) => !ephemeral_to);
  const count = Math.max(message.reply_count ?? 0, replies.length);
  if (!onOpenThread || count === 0) return null;
  const people = [...new Set(replies.map(({ user }) => user))].slice(0, 4);
  const last = replies.at(-1);
  return (
    <button type="button" className="thread-link" onClick={() => onOpenThread(message.ts)}>
      {people.map((id) => (
        <Avatar key={id} user={directory.user(id)} size={22} />
      ))}
      <strong>
        {count} {count === 1 ? 'reply' : 'replies'}
      </strong>
      {last && <span className="thread-link-last">Last reply at {clock(dateOf(last.ts))}</span>}
    </button>
  );
}

export const Message = memo(function Message(props: MessageProps) {
  const { message, compact } = props;
  const directory = useDirectory();
  const author = directory.user(message.user);
  const name = message.username ?? author?.real_name ?? message.user;
  const sent = dateOf(message.ts);
  const blocks = message.blocks as AnyBlock[] | undefined;
  const time = (
    <time className="message-time" dateTime={sent.toISOString()} title={inFull(sent)}>
      {compact ? clock(sent).replace(/\s?[AP]M$/i, '') : clock(sent)}
    </time>
  );
  return (
    <article
      className={`message${compact ? ' message-compact' : ''}${message.ephemeral_to ? ' message-ephemeral' : ''}`}
      aria-label={`${name}, ${clock(sent)}`}
      data-ts={message.ts}
    >
      <div className="message-side">{compact ? time : <Avatar user={author} />}</div>
      <div className="message-main">
        {message.ephemeral_to && (
          <div className="message-private">
            <Icon name="eye" size={14} /> Only visible to you
          </div>
        )}
        {!compact && (
          <div className="message-head">
            <span className="message-author">{name}</span>
            {(author?.is_bot || message.bot_id) && <span className="app-badge">App</span>}
            {time}
          </div>
        )}
        <div className="message-body">
          {blocks?.length ? (
            <SurfaceProvider
              kind="message"
              user={directory.viewer}
              place={{ channel: message.channel, message_ts: message.ts }}
              blocks={blocks}
            >
              <Blocks blocks={blocks} />
            </SurfaceProvider>
          ) : (
            message.text && <FoldedText text={message.text} />
          )}
          {message.edited && <span className="edited">(edited)</span>}
        </div>
        {message.files?.map((file) => (
          <FileCard key={file.id} file={file} />
        ))}
        <ThreadLink {...props} />
      </div>
      <Toolbar message={message} onOpenThread={props.onOpenThread} />
    </article>
  );
});

/** What the page itself says, in the place where Slack's own helper would say it. */
export interface Notice {
  id: number;
  /** As a message's `ts`, so that it sorts among them. */
  ts: string;
  channel: string;
  thread: string | undefined;
  text: string;
}

export function NoticeMessage({ notice, onDismiss }: { notice: Notice; onDismiss: () => void }) {
  return (
    <article className="message message-ephemeral" aria-label="Notice from the sandbox">
      <div className="message-side">
        <span className="avatar avatar-sandbox" aria-hidden="true">
          <Icon name="info" size={20} />
        </span>
      </div>
      <div className="message-main">
        <div className="message-private">
          <Icon name="eye" size={14} /> Only visible to you
        </div>
        <div className="message-head">
          <span className="message-author">Workspace</span>
          <time className="message-time">{clock(dateOf(notice.ts))}</time>
        </div>
        <div className="message-body">
          {notice.text}{' '}
          <button type="button" className="link-button" onClick={onDismiss}>
            Dismiss
          </button>
        </div>
      </div>
    </article>
  );
}
