import Markdown from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { PlainText } from '../mrkdwn/mrkdwn.tsx';
import { safeUrl } from '../mrkdwn/parse.ts';

/** The `markdown` block: standard Markdown. Raw HTML in it stays text, images become links, as in Slack. */
export function MarkdownText({ text }: { text: string }) {
  return (
    <div className="markdown">
      <Markdown
        remarkPlugins={[remarkGfm]}
        urlTransform={(url) => safeUrl(url) ?? ''}
        components={{
          a: ({ href, children }) =>
            href ? (
              <a href={href} target="_blank" rel="noopener noreferrer">
                {children}
              </a>
            ) : (
              <span>{children}</span>
            ),
          img: ({ src, alt }) =>
            src ? (
              <a href={String(src)} target="_blank" rel="noopener noreferrer">
                {alt || String(src)}
              </a>
            ) : (
              <span>{alt}</span>
            ),
          p: ({ children }) => (
            <p>
              {Array.isArray(children) ? (
                children.map((child, index) =>
                  // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one fixed text have no other identity
                  typeof child === 'string' ? <PlainText key={index} text={child} /> : child,
                )
              ) : typeof children === 'string' ? (
                <PlainText text={children} />
              ) : (
                children
              )}
            </p>
          ),
        }}
      >
        {text}
      </Markdown>
    </div>
  );
}
