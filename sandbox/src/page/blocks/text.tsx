import { Mrkdwn, PlainText } from '../mrkdwn/mrkdwn.tsx';
import type { TextObject } from './types.ts';

/** A text object of either kind; also a bare string, which some newer blocks use. */
export function Text({ text }: { text: TextObject | string | undefined }) {
  if (text === undefined) return null;
  if (typeof text === 'string') return <PlainText text={text} />;
  if (text.type === 'mrkdwn') return <Mrkdwn text={text.text ?? ''} verbatim={text.verbatim} />;
  return <PlainText text={text.text ?? ''} emoji={text.emoji} />;
}

/** For attributes (labels, placeholders), where no emoji can be drawn. */
export const bare = (text: TextObject | string | undefined): string =>
  (typeof text === 'string' ? text : (text?.text ?? ''))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
