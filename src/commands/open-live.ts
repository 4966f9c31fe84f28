/** *Open live*: gives the person who pressed it a link to the page that shows the run. */
import { liveLink } from '../blocks/live.ts';
import { AppError } from '../ground/errors.ts';
import type { ClickedAction } from './command.ts';
import type { Context } from './context.ts';
import { permitted, readJobRef } from './job-access.ts';
import type { Services } from './services.ts';

/** The button is the same for everybody, so the link is made when it is pressed, and shown only to that person. */
export async function openLive(
  services: Services,
  context: Context,
  { value }: ClickedAction,
): Promise<void> {
  const { useCase: id, job } = readJobRef(value);
  const useCase = await permitted(services, context, id, {
    permission: 'logs:read',
    action: 'logs.refused',
    subject: job,
  });
  if (!useCase) return;
  const { viewer } = services;
  if (!viewer)
    throw new AppError('invalid_input', 'Runs cannot be opened in a browser any more.', {
      hint: 'Press *Get logs* for the log as a file. An admin of Signalbox can set `viewer.publicUrl` in signalbox.yaml.',
    });
  const run = await viewer.runs.of(useCase.id, job);
  if (run === undefined)
    throw new AppError('not_found', 'There is nothing to see of this run yet, or not any more.', {
      hint: 'Press *Get logs* for what its provider has of it.',
    });
  await context.reply.privately(
    liveLink(job, await viewer.links.linkTo(context.actor, run), viewer.links.linkFor),
  );
}
