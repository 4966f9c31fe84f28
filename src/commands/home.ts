/** The Home tab: what runs, the person's own jobs, their use cases and rights, and their latest downloads. */
import { HOME_ALERTS, HOME_JOBS, homeView } from '../blocks/overview.ts';
import { mention } from '../blocks/text.ts';
import { allows, type Permission, permittedUseCases, rolesOf } from '../domain/access.ts';
import { jobPage } from '../operations/job-snapshots.ts';
import type { Command, HomeTab } from './command.ts';
import type { Services } from './services.ts';

/** How many of the person's records are searched for downloads. */
const RECORDS = 50;
/** In the order in which they are told. */
const RIGHTS: readonly Permission[] = [
  'jobs:read',
  'logs:read',
  'compile:start',
  'train:start',
  'artifacts:read',
  'components:publish',
  'alerts:handle',
  'subscriptions:manage',
];

export function homeTab(services: Services, commands: readonly Command[]): HomeTab {
  return async ({ actor, slash }) => {
    const [useCases, records] = await Promise.all([
      permittedUseCases(actor.user, 'jobs:read', services.useCases, services.directory),
      services.store.listAudit({ user: actor.user, limit: RECORDS }),
    ]);
    const [running, mine, open, subscriptions, withRights] = await Promise.all([
      jobPage(services, useCases, { filter: { live: true }, pageSize: HOME_JOBS }),
      jobPage(services, useCases, { filter: { person: actor.user }, pageSize: HOME_JOBS }),
      services.alerts.unresolved(),
      services.store.listSubscriptions(),
      Promise.all(
        useCases.map(async (useCase) => {
          const roles = await rolesOf(actor.user, useCase, services.directory);
          return { useCase, rights: RIGHTS.filter((right) => allows(roles, right)) };
        }),
      ),
    ]);
    const alerts = open.flatMap((alert) => {
      const useCase = useCases.find(({ id }) => id === alert.useCase);
      return useCase ? [{ alert, useCase }] : [];
    });
    return homeView({
      commands,
      slash,
      useCases: withRights,
      running: { rows: running.jobs, total: running.total },
      mine: { rows: mine.jobs, total: mine.total },
      alerts: { rows: alerts.slice(0, HOME_ALERTS), total: alerts.length },
      subscriptions: subscriptions.filter(({ useCase, channel, createdBy }) =>
        createdBy.user === actor.user
          ? useCases.some(({ id }) => id === useCase)
          : useCases.some(({ id, channels }) => id === useCase && channels.includes(channel)),
      ),
      // A log without a line left no file.
      downloads: records.filter(
        ({ action, detail, useCase }) =>
          action === 'logs.downloaded' && detail?.events !== 0 && useCases.some(({ id }) => id === useCase),
      ),
      admins: services.admins.slice(0, 10).map(mention).join(', '),
    });
  };
}
