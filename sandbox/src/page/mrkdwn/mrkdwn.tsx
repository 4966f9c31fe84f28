import { Fragment, type ReactNode, useMemo } from 'react';
import { useDirectory } from '../directory.tsx';
import { formatDate, inFull } from './dates.ts';
import { emojiFor } from './emoji.ts';
import { decodeEntities, type Inline, type MrkdwnBlock, parseMrkdwn } from './parse.ts';

export function Emoji({ name, source }: { name: string; source?: string }) {
  const character = emojiFor(name);
  if (!character) return <>{source ?? `:${name}:`}</>;
  return (
    <span role="img" aria-label={name.replaceAll('_', ' ')} title={`:${name}:`} className="emoji">
      {character}
    </span>
  );
}

export function ExternalLink({ url, children }: { url: string; children: ReactNode }) {
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

export function UserMention({ id, label }: { id: string; label?: string | undefined }) {
  const directory = useDirectory();
  const user = directory.user(id);
  return (
    <span className={`mention${id === directory.viewer ? ' mention-self' : ''}`} title={user?.title}>
      @{user?.real_name ?? label ?? id}
    </span>
  );
}

export function ChannelMention({ id, label }: { id: string; label?: string | undefined }) {
  const directory = useDirectory();
  const channel = directory.channel(id);
  if (!channel) return <span className="mention">#{label ?? 'private-channel'}</span>;
  return (
    <button type="button" className="mention mention-link" onClick={() => directory.openChannel(id)}>
      #{channel.name}
    </button>
  );
}

export function GroupMention({ id, label }: { id: string; label?: string | undefined }) {
  const directory = useDirectory();
  const group = directory.group(id);
  const mine = group?.users.includes(directory.viewer);
  return (
    <span className={`mention${mine ? ' mention-self' : ''}`} title={group?.name}>
      @{group?.handle ?? label?.replace(/^@/, '') ?? id}
    </span>
  );
}

export function DateText(props: {
  seconds: number;
  format: string;
  url?: string | undefined;
  fallback: string;
}) {
  const shown = formatDate(props.seconds, props.format) ?? props.fallback;
  const date = new Date(props.seconds * 1000);
  const isKnown = !Number.isNaN(date.getTime());
  const time = (
    <time dateTime={isKnown ? date.toISOString() : undefined} title={isKnown ? inFull(date) : undefined}>
      {shown}
    </time>
  );
  return props.url ? <ExternalLink url={props.url}>{time}</ExternalLink> : time;
}

function InlineNode({ node }: { node: Inline }): ReactNode {
  switch (node.type) {
    case 'text':
      return <Lines text={node.text} />;
    case 'emoji':
      return <Emoji name={node.name} source={node.source} />;
    case 'bold':
      return (
        <strong>
          <Inlines nodes={node.children} />
        </strong>
      );
    case 'italic':
      return (
        <em>
          <Inlines nodes={node.children} />
        </em>
      );
    case 'strike':
      return (
        <s>
          <Inlines nodes={node.children} />
        </s>
      );
    case 'code':
      return <code>{node.text}</code>;
    case 'link':
      return (
        <ExternalLink url={node.url}>
          <Inlines nodes={node.children} />
        </ExternalLink>
      );
    case 'user':
      return <UserMention id={node.id} label={node.label} />;
    case 'channel':
      return <ChannelMention id={node.id} label={node.label} />;
    case 'usergroup':
      return <GroupMention id={node.id} label={node.label} />;
    case 'broadcast':
      return <span className="mention mention-self">@{node.range}</span>;
    case 'date':
      return <DateText {...node} />;
  }
}

function Lines({ text }: { text: string }) {
  const lines = text.split('\n');
  return lines.map((line, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines of one fixed text have no other identity
    <Fragment key={index}>
      {index > 0 && <br />}
      {line}
    </Fragment>
  ));
}

function Inlines({ nodes }: { nodes: readonly Inline[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: nodes of one fixed text have no other identity
  return nodes.map((node, index) => <InlineNode key={index} node={node} />);
}

/** Text with Slack's formatting. Everything becomes React text nodes: nothing in it can become markup. */
export function Mrkdwn({ text, verbatim = false }: { text: string; verbatim?: boolean | undefined }) {
  const blocks = useMemo(() => parseMrkdwn(text, verbatim), [text, verbatim]);
  // biome-ignore lint/suspicious/noArrayIndexKey: blocks of one fixed text have no other identity
  return blocks.map((block, index) => <MrkdwnPart key={index} block={block} />);
}

function MrkdwnPart({ block }: { block: MrkdwnBlock }) {
  if (block.type === 'preformatted') return <pre>{block.text}</pre>;
  if (block.type === 'quote')
    return (
      <blockquote>
        <Inlines nodes={block.children} />
      </blockquote>
    );
  return (
    <div className="paragraph">
      <Inlines nodes={block.children} />
    </div>
  );
}

/** A `plain_text` object: emoji names, no formatting. */
export function PlainText({ text, emoji = true }: { text: string; emoji?: boolean | undefined }) {
  const decoded = decodeEntities(text);
  if (!emoji) return <Lines text={decoded} />;
  const pieces = decoded.split(/(:[a-z0-9_+'-]+:)/);
  return pieces.map((piece, index) => {
    const name = index % 2 === 1 ? piece.slice(1, -1) : undefined;
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one fixed text have no other identity
    return name ? <Emoji key={index} name={name} source={piece} /> : <Lines key={index} text={piece} />;
  });
}
