/** Answers where somebody clicked or typed, by the address that Slack gives with it. */
import { bodyText } from '../ground/body-text.ts';

/** Of Slack, and of its cloud for governments. */
const SLACK = /(?:^|\.)slack(?:-gov)?\.com$/;

/**
 * The address is as good as who sent the payload. That is Slack, but nothing is sent to any other host whatever stands
 * there: a request from inside the bot's network is worth something to others.
 * @param apiUrl where another Slack is reached, such as the sandbox
 * @returns undefined if it is not Slack's
 */
export function slacksOwn(address: string | undefined, apiUrl: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const isSlacks = url.protocol === 'https:' && url.port === '' && SLACK.test(url.hostname);
  const isSandboxes = apiUrl !== undefined && url.origin === new URL(apiUrl).origin;
  return isSlacks || isSandboxes ? address : undefined;
}

/** @throws Error when Slack did not take it; it may have been used up */
export async function respond(address: string, body: unknown): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal,
  });
  const text = await bodyText(response, signal);
  if (!response.ok) throw new Error(`response URL: HTTP ${response.status} ${text.slice(0, 200)}`);
  // Slack answers some refusals with 200 and the reason in the body.
  if (text.startsWith('{') && (JSON.parse(text) as { ok?: unknown }).ok === false)
    throw new Error(`response URL: ${text.slice(0, 200)}`);
  if (text.trimStart().startsWith('<'))
    throw new Error('response URL: a page instead of an answer of Slack’s');
}
