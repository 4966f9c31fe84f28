/** The way from Slack to the page on which a run is seen live. */
import { nameOfJob } from '../domain/job-keys.ts';
import { COMPILE } from './compile-ids.ts';
import { writeRef } from './job-facts.ts';
import type { Button, Message } from './message.ts';
import { actions, button, code, context, duration, linkButton, section } from './text.ts';

export const LIVE = { open: 'logs.live' } as const;

/** For all who see it; who presses it gets a link of their own. @param job its key */
export function openLiveButton(
  useCase: string,
  job: string,
  options: { ended?: boolean } = {},
): Button | undefined {
  return button(options.ended ? 'Open log' : 'Open live', LIVE.open, writeRef({ useCase, job }));
}

/** For one person alone: whoever opens the link is taken for them. @param validFor milliseconds */
export function liveLink(job: string, url: string, validFor: number): Message {
  const name = code(nameOfJob(job));
  return {
    text: `Your link to the log of ${name}`,
    blocks: [
      section(`Here is your link to the log of ${name}.`),
      ...actions(linkButton('Open in the browser', COMPILE.link, url)),
      context(
        `It works once, within the next ${duration(validFor)}. It signs you in, so please do not share it.`,
      ),
    ],
  };
}
