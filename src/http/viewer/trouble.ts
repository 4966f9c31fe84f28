/** What is wrong, in words, and what to do about it. */
import { bytes, element } from './page.ts';
import { Refused } from './run-api.ts';

type Kind = 'bad' | 'waiting' | 'good';

let hideLater: ReturnType<typeof setTimeout> | undefined;

/** @param action a button beside the words */
export function showNotice(
  kind: Kind,
  text: string,
  { action, forMs }: { action?: { label: string; run: () => void }; forMs?: number } = {},
): void {
  clearTimeout(hideLater);
  const notice = element('notice');
  notice.dataset.kind = kind;
  element('notice-text').textContent = text;
  const button = element('notice-action');
  button.hidden = action === undefined;
  button.textContent = action?.label ?? '';
  button.onclick = action ? () => action.run() : null;
  notice.hidden = false;
  if (forMs !== undefined) hideLater = setTimeout(hideNotice, forMs);
}

export function hideNotice(): void {
  clearTimeout(hideLater);
  element('notice').hidden = true;
}

/**
 * @param shown bytes of the log that are on the screen
 * @returns what happened and what to do
 */
export function troubleOf(error: unknown, shown: number): string {
  const kept = shown > 0 ? ` What was loaded (${bytes(shown)}) stays here.` : '';
  if (!(error instanceof Refused)) return `The page failed: ${String(error)} Reload it.${kept}`;
  return `${sentence(error.message)} ${error.hint ?? whatToDo(error.status)}${kept}`;
}

function whatToDo(status: number): string {
  if (status === 401) return 'Open the run again from its message in Slack.';
  if (status === 403)
    return 'If you should see it, ask an admin of the use case, or open the run again from its message in Slack.';
  if (status === 404) return 'The run may have been removed. Look for it in Slack with /jobs.';
  if (status === 0) return 'Check your connection, then reload the page.';
  return 'Reload the page. If that does not help, tell whoever looks after Signalbox.';
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
