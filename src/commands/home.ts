/** The Home tab: what Signalbox does, the person's use cases, and their latest downloads. */
import { homeView } from '../blocks/overview.ts';
import { mention } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import type { Command, HomeTab } from './command.ts';
import type { Services } from './services.ts';

/** How many of the person's records are looked through for downloads. */
const RECORDS = 50;

export function homeTab(services: Services, commands: readonly Command[]): HomeTab {
  return async ({ actor }) => {
    const [useCases, records] = await Promise.all([
      permittedUseCases(actor.user, 'logs:read', services.useCases, services.directory),
      services.store.listAudit({ user: actor.user, limit: RECORDS }),
    ]);
    return homeView({
      commands,
      useCases,
      downloads: records.filter((record) => record.action === 'logs.downloaded'),
      admins: services.admins.slice(0, 10).map(mention).join(', '),
    });
  };
}
