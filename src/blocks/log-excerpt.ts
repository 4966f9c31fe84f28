/** The part of a log that says why something failed, wherever it is shown. */
import type { AlertExcerpt } from '../domain/alerts.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { EpochMs } from '../ground/time.ts';
import { codeBlock, group, instant, plain } from './text.ts';

/** Characters. */
const EXCERPT_SHOWN = 1500;
const EXCERPT_LINES = 10;
const TRACEBACK_LINES = 40;

/**
 * The end of it is what counts: the beginning goes first.
 * @param at when the last line was written, where that tells something
 */
export function excerptWords({ stream, text, kind }: AlertExcerpt, at?: EpochMs): string {
  const lines = maskSecrets(text).split('\n');
  const shown = kind === 'traceback' ? lines.slice(-TRACEBACK_LINES) : lines.slice(-EXCERPT_LINES);
  let from = 0;
  const block = (): string => codeBlock(shown.slice(from).join('\n'), EXCERPT_SHOWN);
  while (from < shown.length - 1 && block().includes(' … (cut at ')) from += 1;
  const left = lines.length - shown.length + from;
  const title =
    kind === 'traceback'
      ? `*The traceback* (${plain(stream, 80)})${left > 0 ? `, without its first ${group(left)} lines` : ''}`
      : `*The end of the log* (${plain(stream, 80)}${at === undefined ? '' : `, ${instant(at)}`})`;
  return `${title}\n${block()}`;
}
