/** Whether browsers get to the bot at the address that people are given for runs. */
import type { ViewerConfig } from '../../config.ts';
import { isLoopback } from '../../ground/hosts.ts';
import { type Check, subject } from './checks.ts';

const about = subject('viewer');
/** Milliseconds; a person would have given up. */
const ANSWER_WITHIN = 5_000;

export async function checkViewer(viewer: ViewerConfig | undefined): Promise<Check[]> {
  if (!viewer)
    return [
      about.ok('address', 'not configured: runs cannot be opened in a browser, and nobody is offered to'),
    ];
  const { publicUrl, linkFor } = viewer;
  return [await reach(publicUrl), secrecy(publicUrl, Math.round(linkFor / 60_000))];
}

async function reach(publicUrl: string): Promise<Check> {
  const address = `${publicUrl.replace(/\/+$/, '')}/healthz`;
  const fix = `Start the bot, and see that browsers get to its port by ${publicUrl}: a proxy has to pass on /runs and /viewer, without collecting what comes in pieces.`;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWER_WITHIN), redirect: 'manual' });
    const said = (await answer.json().catch(() => undefined)) as { ok?: unknown } | undefined;
    return answer.ok && said?.ok === true
      ? about.ok('address', `Signalbox answers at ${publicUrl}`)
      : about.warning('address', `${address} answers ${answer.status}, and not as Signalbox does`, fix);
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return about.warning('address', `nothing answers at ${address}: ${cause?.code ?? message}`, fix);
  }
}

function secrecy(publicUrl: string, minutes: number): Check {
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'https:' || isLoopback(hostname))
    return about.ok('links', `let one person in once, within ${minutes} minute${minutes === 1 ? '' : 's'}`);
  return about.warning(
    'links',
    'go over plain http, so that whoever sees the traffic sees logs and can take over sessions',
    'Put a proxy with a certificate in front, and use its https address as viewer.publicUrl.',
  );
}
