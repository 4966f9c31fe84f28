/** Recovers what somebody typed from what Slack sends. */
import { isConsoleUrl } from '../domain/console-links.ts';

/** Undoes Slack's encoding: `<http://x|x>` becomes `x`, `<@U1|ada>` `@ada`, `&amp;` `&`. */
export function typedText(text: string): string {
  return text
    .replace(/<([^<>]*)>/g, (whole, inner: string) => {
      const bar = inner.indexOf('|');
      const target = bar < 0 ? inner : inner.slice(0, bar);
      const label = bar < 0 ? undefined : inner.slice(bar + 1);
      switch (target[0]) {
        case '@':
          return `@${(label || target.slice(1)).replace(/^@/, '')}`;
        case '#':
          return `#${(label || target.slice(1)).replace(/^#/, '')}`;
        case '!':
          return `@${(label || target.slice(1).replace(/^subteam\^/, '')).replace(/^@/, '')}`;
        default:
          // Anything else in brackets was typed.
          if (!/^(?:https?:\/\/|mailto:|tel:|ftp:\/\/)/i.test(target)) return whole;
          // A link that Slack made shows what was typed; for a page of the AWS console, the address says more.
          return isConsoleUrl(target) ? target : label || target;
      }
    })
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}

/** What is said to the bot: the text after its mention, or the text before it if nothing follows. */
export function afterMention(text: string, botUser: string): string | undefined {
  const match = new RegExp(`<@${botUser}(?:\\|[^>]*)?>`).exec(text);
  if (!match) return undefined;
  return text.slice(match.index + match[0].length).trim() || text.slice(0, match.index).trim();
}
