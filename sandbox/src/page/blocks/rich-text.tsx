import type { ReactNode } from 'react';
import {
  ChannelMention,
  DateText,
  Emoji,
  ExternalLink,
  GroupMention,
  PlainText,
  UserMention,
} from '../mrkdwn/mrkdwn.tsx';
import { safeUrl } from '../mrkdwn/parse.ts';
import type { RichNode } from './types.ts';

function styled(node: RichNode, content: ReactNode): ReactNode {
  const style = typeof node.style === 'object' ? node.style : {};
  let out = content;
  if (style.code) out = <code>{out}</code>;
  if (style.bold) out = <strong>{out}</strong>;
  if (style.italic) out = <em>{out}</em>;
  if (style.strike) out = <s>{out}</s>;
  if (style.underline) out = <u>{out}</u>;
  return out;
}

function content(node: RichNode): ReactNode {
  switch (node.type) {
    case 'text':
      return <PlainText text={node.text ?? ''} emoji={false} />;
    case 'link': {
      const url = safeUrl(node.url ?? '');
      const label = node.text ?? node.url ?? '';
      return url ? <ExternalLink url={url}>{label}</ExternalLink> : label;
    }
    case 'emoji':
      return <Emoji name={node.name ?? ''} />;
    case 'user':
      return <UserMention id={node.user_id ?? ''} />;
    case 'channel':
      return <ChannelMention id={node.channel_id ?? ''} />;
    case 'usergroup':
      return <GroupMention id={node.usergroup_id ?? ''} />;
    case 'broadcast':
      return <span className="mention mention-self">@{node.range}</span>;
    case 'date':
      return (
        <DateText
          seconds={node.timestamp ?? Number.NaN}
          format={node.format ?? ''}
          url={node.url === undefined ? undefined : safeUrl(node.url)}
          fallback={node.fallback ?? ''}
        />
      );
    case 'color':
      return (
        <span className="color-value">
          <span style={{ background: /^#[0-9a-f]{3,8}$/i.test(node.value ?? '') ? node.value : undefined }} />
          {node.value}
        </span>
      );
    default:
      return node.text ?? null;
  }
}

const Inline = ({ nodes }: { nodes: readonly RichNode[] | undefined }) =>
  // biome-ignore lint/suspicious/noArrayIndexKey: nodes of one fixed text have no other identity
  (nodes ?? []).map((node, index) => <span key={index}>{styled(node, content(node))}</span>);

function Part({ node }: { node: RichNode }) {
  switch (node.type) {
    case 'rich_text_preformatted':
      return (
        <pre>
          <Inline nodes={node.elements} />
        </pre>
      );
    case 'rich_text_quote':
      return (
        <blockquote>
          <Inline nodes={node.elements} />
        </blockquote>
      );
    case 'rich_text_list': {
      const ListTag = node.style === 'ordered' ? 'ol' : 'ul';
      return (
        <ListTag
          className="rich-list"
          style={{ marginInlineStart: `${(node.indent ?? 0) * 1.5}em` }}
          {...(node.style === 'ordered' ? { start: (node.offset ?? 0) + 1 } : {})}
        >
          {(node.elements ?? []).map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: items of one fixed list have no other identity
            <li key={index}>
              <Inline nodes={item.elements} />
            </li>
          ))}
        </ListTag>
      );
    }
    default:
      return (
        <div className="paragraph rich-section">
          <Inline nodes={node.elements} />
        </div>
      );
  }
}

export function RichText({ node }: { node: RichNode }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: parts of one fixed text have no other identity
  return (node.elements ?? []).map((part, index) => <Part key={index} node={part} />);
}
