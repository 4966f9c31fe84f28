/** Cancel and This will do on a download's message: for who asked for it, and for admins of its use cases. */
import { errorMessage } from '../blocks/errors.ts';
import { logsNotRunning } from '../blocks/logs.ts';
import { plain } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import { belongsTo } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { Context } from './context.ts';
import type { Services } from './services.ts';

/** @param how.enough its first lines were enough, and stay */
export async function cancelDownload(
  services: Services,
  context: Context,
  id: string,
  { enough = false } = {},
): Promise<void> {
  const { userName } = context;
  const { user } = context.actor;
  const download = await services.downloads.findAnywhere(id);
  if (!download) return notRunning(services, context);
  if (download.user !== user) {
    const useCases = services.useCases.filter((useCase) => download.useCases.includes(useCase.id));
    const readable = await permittedUseCases(user, 'logs:read', useCases, services.directory);
    // A person who may not even read the log must not learn that its download is running.
    if (useCases.length === 0 || readable.length < useCases.length) return notRunning(services, context);
    const managed = await permittedUseCases(user, 'subscriptions:manage', useCases, services.directory);
    if (managed.length < useCases.length)
      return context.reply.privately(
        errorMessage(
          new AppError(
            'permission_denied',
            `Only the person who asked for a download, or an admin of its use case, can ${enough ? 'end' : 'cancel'} it.`,
            download.userName === undefined ? {} : { hint: `It was asked for by ${download.userName}.` },
          ),
        ),
      );
  }
  const why = userName === undefined ? '' : `by ${plain(userName, 80)}`;
  await services.downloads.cancelAnywhere(id, why, enough);
}

/** Where the person's own use cases show their downloads, the message also loses its button. */
async function notRunning(services: Services, context: Context): Promise<void> {
  const { actor, place, reply } = context;
  const here = services.useCases.filter((useCase) => belongsTo(place.channel, useCase));
  const own = await permittedUseCases(actor.user, 'logs:read', here, services.directory).catch(() => []);
  if (place.isDirect || own.length > 0) await reply.retire('This download is no longer running.');
  await reply.privately(logsNotRunning());
}
