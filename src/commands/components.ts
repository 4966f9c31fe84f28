/** `/components`: what was packaged, where it comes from, and which devices have it. */

import { anotherVersion } from '../blocks/another-version.ts';
import { type ComponentFacts, componentView, type DevicesFacts } from '../blocks/component-details.ts';
import { packageForm, publishView } from '../blocks/component-packaging.ts';
import { COMPONENTS, readComponentRef } from '../blocks/component-words.ts';
import {
  COMPONENTS_PAGE,
  componentsList,
  componentsUsage,
  readComponentsState,
} from '../blocks/components.ts';
import { messageView, waitingView } from '../blocks/details-views.ts';
import { errorMessage } from '../blocks/errors.ts';
import { writeRef } from '../blocks/job-facts.ts';
import type { Message } from '../blocks/message.ts';
import { code } from '../blocks/text.ts';
import { may } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { isSettled } from '../domain/components.ts';
import { pastedName } from '../domain/job-names.ts';
import { asksForHelp } from '../domain/log-query.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import {
  type ComponentEntry,
  componentDetails,
  listComponents,
  withStates,
} from '../operations/browse-components.ts';
import { devicesWith, type FleetReport } from '../operations/find-devices.ts';
import { publishComponents, recipePreview } from '../operations/publish-component.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context, OpenView } from './context.ts';
import { refusedIn } from './in-view.ts';
import { metadataFor, openUseCases, permitted, readJobRef, readMetadata } from './job-access.ts';
import type { Services } from './services.ts';
import { followInView } from './view-turns.ts';

const REFUSED = 'components.refused';
/** A longer one would not fit beside the page in a block's id. */
const MATCH_LIMIT = 200;
/** Milliseconds that the list waits for the devices; for a larger fleet, the details show them with their progress. */
const DEVICES_WITHIN = 5000;
/** Milliseconds between two updates of how much of the fleet has been asked. */
const PROGRESS_INTERVAL = 2000;

export function componentsCommand(services: Services): Command {
  async function run(context: Context, text: string): Promise<void> {
    const words = commandWords(text);
    if (words.length > 0 && asksForHelp(words))
      return context.reply.privately(componentsUsage(context.invocation));
    const match = words.map(pastedName).join(' ');
    if (match.length > MATCH_LIMIT)
      throw new AppError(
        'invalid_input',
        `Part of a name is at most ${MATCH_LIMIT} characters long; this has ${match.length}.`,
        { hint: 'Give fewer of them: any part of a component’s, job’s or target’s name is found.' },
      );
    const list = await draw(context, match, 0);
    if (list) await context.reply.privately(list);
  }

  async function draw(context: Context, match: string, page: number): Promise<Message | undefined> {
    const useCases = await openUseCases(services, context, { permission: 'jobs:read', action: REFUSED });
    if (useCases.length === 0) return undefined;
    const lists = await Promise.all(
      useCases.map(async (useCase) => {
        const list = await listComponents(services, {
          actor: context.actor,
          useCase,
          ...(match === '' ? {} : { match }),
        });
        return { ...list, entries: list.entries.map((entry) => ({ ...entry, useCase })) };
      }),
    );
    const entries = lists
      .flatMap((list) => list.entries)
      .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    const pages = Math.max(1, Math.ceil(entries.length / COMPONENTS_PAGE));
    const shown = Math.min(Math.max(0, page), pages - 1);
    const rows = entries.slice(shown * COMPONENTS_PAGE, (shown + 1) * COMPONENTS_PAGE);
    const asked = await Promise.all(
      useCases.map((useCase) =>
        describeRows(
          context,
          useCase,
          rows.filter((row) => row.useCase === useCase),
        ),
      ),
    );
    const seen = new Map(asked.flatMap(({ rows }) => rows));
    return componentsList({
      rows: rows.map((row) => seen.get(row) ?? row),
      match,
      total: entries.length,
      page: shown,
      pages,
      useCases,
      incomplete: lists.find(({ incomplete }) => incomplete)?.incomplete?.message,
      devicesUnknown: asked.find(({ problem }) => problem)?.problem,
    });
  }

  /** What can only be found out by asking about each version and the devices, for the rows of one page. */
  async function describeRows<E extends ComponentEntry>(
    { actor }: Context,
    useCase: UseCase,
    rows: readonly E[],
  ): Promise<{
    rows: [E, E & { devices?: ReturnType<typeof devicesWith> | undefined }][];
    problem?: string;
  }> {
    if (rows.length === 0) return { rows: [] };
    const [stated, fleet] = await Promise.all([
      withStates(services, { actor, useCase, entries: rows }),
      services.fleet
        .find({ actor, useCase }, { signal: AbortSignal.timeout(DEVICES_WITHIN) })
        .catch((error: unknown) => error),
    ]);
    const known = fleet as FleetReport;
    const failed = fleet instanceof Error;
    return {
      rows: stated.map((row, index) => [
        rows[index]!,
        failed ? row : { ...row, devices: devicesWith(known, row) },
      ]),
      ...(failed
        ? { problem: fleet instanceof AppError ? fleet.message : 'The devices did not answer in time.' }
        : {}),
    };
  }

  async function turn(context: Context, { value, block }: ClickedAction): Promise<void> {
    const list = await draw(context, readComponentsState(block).match, Number(value) || 0);
    if (list) await context.reply.replace(list);
  }

  // --- One component ---------------------------------------------------------------------------------

  async function openDetails(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readComponentRef(value);
    if (!ref) throw anotherVersion();
    const metadata = metadataFor(context);
    const view = await context.openModal(waitingView(metadata, 'Component', `Looking at ${code(ref.name)}`));
    await inView(context, view, async () => {
      const useCase = await permitted(
        services,
        context,
        ref.useCase,
        { permission: 'jobs:read', action: REFUSED, subject: ref.name },
        refusedIn(context, view),
      );
      if (!useCase) return;
      const details = await componentDetails(services, {
        actor: context.actor,
        useCase,
        name: ref.name,
        version: ref.version,
      });
      const show = (devices: DevicesFacts): Promise<boolean> => {
        const facts: ComponentFacts = {
          ...details,
          message: details.message ?? details.component?.message,
          packages: useCase.components !== undefined,
          devices,
        };
        return view.update(componentView(metadata, facts));
      };
      if (!(await show({ kind: 'asking', done: 0, total: 0 }))) return;
      let shownAt = services.clock.now();
      let drawing = Promise.resolve();
      const report = await services.fleet
        .find(
          { actor: context.actor, useCase, component: { name: details.name } },
          {
            onProgress: ({ done, total }) => {
              const now = services.clock.now();
              if (now - shownAt < PROGRESS_INTERVAL) return;
              shownAt = now;
              drawing = drawing
                .then(async () => void (await show({ kind: 'asking', done, total })))
                .catch((error: unknown) => context.log.debug({ err: error }, 'progress was not shown'));
            },
          },
        )
        .catch((error: unknown) => toAppError(error));
      await drawing;
      await show(report instanceof AppError ? { kind: 'failed', error: report } : known(report));
    });
  }

  // --- Packaging -------------------------------------------------------------------------------------

  async function publish(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const about = readMetadata(view.metadata);
    const ref = readJobRef(typeof about.ref === 'string' ? about.ref : '');
    const target = ref.target ?? '';
    const metadata = metadataFor(context);
    return {
      update: waitingView(metadata, 'Packaging', `Publishing ${code(ref.job)} for *${code(target)}*`),
      after: () =>
        inView(context, context.view!, async () => {
          const useCase = await permitted(
            services,
            context,
            ref.useCase,
            { permission: 'components:publish', action: REFUSED, subject: ref.job },
            refusedIn(context, context.view!),
          );
          if (!useCase) return;
          const report = await publishComponents(services, {
            actor: context.actor,
            useCase,
            job: ref.job,
            targets: [target],
            why: about.again === 'yes' ? 'again' : 'manual',
          });
          const result = report.results[0]!;
          const show = async () => {
            const all = await services.store.listComponents({ useCase: useCase.id, job: ref.job });
            const key = result.component?.chain.component;
            const component =
              all.find(
                ({ chain }) => chain.component.name === key?.name && chain.component.version === key?.version,
              ) ?? result.component;
            return {
              picture: publishView(metadata, { useCase, ...result, component }),
              last: component === undefined || isSettled(component),
            };
          };
          const { picture, last } = await show();
          if ((await context.view!.update(picture)) && !last)
            followInView(services.changes, context.view!, {
              useCase: useCase.id,
              job: ref.job,
              metadata,
              permitted: () => may(context.actor.user, 'jobs:read', useCase, services.directory),
              draw: show,
              onError: (error) => context.log.debug({ err: error }, 'packaging is no longer shown'),
            });
        }),
    };
  }

  return {
    name: 'components',
    description: 'The Greengrass components and the devices that have them',
    usage: '[name or job]',
    run,
    actions: {
      [COMPONENTS.page]: turn,
      [COMPONENTS.details]: openDetails,
      [COMPONENTS.package]: (context, { value }) => openPackage(services, context, value),
    },
    views: { [COMPONENTS.publish]: publish },
  };
}

/** Shows what would be published; publishing is the form's own button. */
export async function openPackage(services: Services, context: Context, value: string): Promise<void> {
  const ref = readJobRef(value);
  const metadata = metadataFor(context);
  const view = await context.openModal(
    waitingView(metadata, 'Package a model', `Preparing ${code(ref.job)} for ${code(ref.target ?? '')}`),
  );
  await inView(context, view, async () => {
    const useCase = await permitted(
      services,
      context,
      ref.useCase,
      { permission: 'components:publish', action: REFUSED, subject: ref.job },
      refusedIn(context, view),
    );
    if (!useCase) return;
    const preview = await recipePreview(services, {
      actor: context.actor,
      useCase,
      job: ref.job,
      target: ref.target ?? '',
    });
    await view.update(
      packageForm(
        metadataFor(context, {
          ref: writeRef(ref),
          again: preview.existing.length > 0 ? 'yes' : 'no',
        }),
        { job: ref.job, ...preview },
      ),
    );
  });
}

function known(report: FleetReport): DevicesFacts {
  return {
    kind: 'known',
    asOf: report.asOf,
    total: report.total,
    failed: report.failed,
    rows: report.devices,
  };
}

/** What goes wrong after a window has opened is shown in it. */
async function inView(context: Context, view: OpenView, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = toAppError(thrown);
    context.log[error.code === 'internal' ? 'error' : 'info'](
      { ref: error.ref, err: error },
      'failed in a window',
    );
    const picture = messageView(metadataFor(context), 'Not possible', errorMessage(error));
    if (!(await view.update(picture))) throw error;
  }
}
