/** `/jobs`: the training jobs with their compilations, and the details of each. */
import { COMPILE } from '../blocks/compile-ids.ts';
import { waitingView } from '../blocks/details-views.ts';
import { type DetailsFacts, jobDetails, TABS, type Tab } from '../blocks/job-details.ts';
import { factsOf, type JobRef, statesOf } from '../blocks/job-facts.ts';
import { CHOSEN, readJobsState } from '../blocks/jobs-state.ts';
import { JOBS, JOBS_PAGE, jobsTable, jobsUsage } from '../blocks/jobs-table.ts';
import type { Message } from '../blocks/message.ts';
import { code } from '../blocks/text.ts';
import { may } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { exactWord, thingMeant } from '../domain/job-keys.ts';
import { pastedName } from '../domain/job-names.ts';
import { type JobsQuery, parseJobsQuery } from '../domain/jobs-query.ts';
import { asksForHelp } from '../domain/log-query.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { type JobFilter, type JobSnapshot, jobPage, jobSnapshot } from '../operations/job-snapshots.ts';
import { refusedKindsIn } from '../operations/kind-refusals.ts';
import type { ClickedAction, Command } from './command.ts';
import type { Context, OpenView } from './context.ts';
import { curvesActions } from './curves.ts';
import { refusedIn } from './in-view.ts';
import { kindsHere, metadataFor, openUseCases, permitted, readJobRef } from './job-access.ts';
import { runAgainActions } from './run-again.ts';
import type { Services } from './services.ts';
import { stopTrainingActions } from './stop-training.ts';
import { followInView, ViewTurns } from './view-turns.ts';

const REFUSED = 'jobs.refused';
/** How old, in milliseconds, known facts may be before a details view asks AWS again. */
const FRESH_FOR = 10_000;
/** Attempts whose further facts are requested at the same time. */
const DESCRIBED = 12;

export function jobsCommand(services: Services): Command {
  const turns = new ViewTurns(services.coordination);
  const again = runAgainActions(services);
  const curves = curvesActions(services);
  const stop = stopTrainingActions(services);

  async function run(context: Context, text: string): Promise<void> {
    const words = commandWords(text);
    if (words.length > 0 && asksForHelp(words))
      return context.reply.privately(jobsUsage(context.invocation, await kindsHere(services, context)));
    const query = parseJobsQuery(words.map(pastedName), context.actor.user);
    const table = await draw(context, query, 0);
    if (table) await context.reply.privately(table);
  }

  /** @returns undefined if the person may not, which they were told */
  async function draw(context: Context, query: JobsQuery, page: number): Promise<Message | undefined> {
    const useCases = await openUseCases(services, context, { permission: 'jobs:read', action: REFUSED });
    if (useCases.length === 0) return undefined;
    const [found, refused] = await Promise.all([
      jobPage(services, useCases, { filter: filterOf(query), page, pageSize: JOBS_PAGE }),
      refusedKindsIn(services.store, useCases),
    ]);
    return jobsTable({
      ...found,
      rows: found.jobs,
      query,
      useCases,
      refused,
      now: services.clock.now(),
    });
  }

  /** A filter or a page in the message that was clicked: the same message shows it. */
  function redraw(
    change: (query: JobsQuery, value: string) => { query?: JobsQuery; page?: number },
  ): (context: Context, action: ClickedAction) => Promise<void> {
    return async (context, { value, block }) => {
      const { query } = readJobsState(block);
      const next = change(query, value);
      const table = await draw(context, next.query ?? query, next.page ?? 0);
      if (table) await context.reply.replace(table);
    };
  }

  // --- Details ---------------------------------------------------------------------------------------

  async function openDetails(context: Context, { value }: ClickedAction): Promise<void> {
    const ref = readJobRef(value);
    const view = await context.openModal(
      waitingView(metadataFor(context), 'Job', `Looking at ${code(ref.job)}`),
    );
    await show(context, view, ref, 'overview', { fresh: false });
  }

  async function switchTab(context: Context, { value }: ClickedAction, fresh: boolean): Promise<void> {
    const space = value.indexOf(' ');
    const tab = TABS.find((name) => name === value.slice(0, space));
    const ref = readJobRef(value.slice(space + 1));
    if (!tab || !context.view) throw new AppError('invalid_input', 'This button is from another version.');
    await show(context, context.view, ref, tab, { fresh });
  }

  async function show(
    context: Context,
    opened: OpenView,
    ref: JobRef,
    tab: Tab,
    { fresh }: { fresh: boolean },
  ): Promise<void> {
    const view = turns.begin(opened);
    const metadata = metadataFor(context);
    const useCase = await permitted(
      services,
      context,
      ref.useCase,
      { permission: 'jobs:read', action: REFUSED, subject: ref.job },
      refusedIn(context, view),
    );
    if (!useCase) return;
    let reported: DetailsFacts['reported'];
    const current = async (): Promise<(DetailsFacts & Pick<JobSnapshot, 'isOnlyListed'>) | undefined> => {
      const snapshot = await jobSnapshot(services, useCase, ref.job);
      if (!snapshot) return undefined;
      const { job, isOnlyListed } = snapshot;
      const links = services.gateway.links(useCase, job);
      return { ...factsOf(snapshot, services.clock.now()), reported, links, isOnlyListed };
    };
    let facts = await current();
    // What is known is shown at once; what AWS says follows.
    if (facts && !(await view.update(jobDetails(metadata, tab, facts)))) return;
    if (!facts || fresh || facts.isOnlyListed || services.clock.now() - facts.lastCheckedAt > FRESH_FOR)
      await services.refresher.refreshNow(useCase.id, ref.job);
    if (tab === 'compilation' && facts) reported = await describe(context, useCase, facts);
    facts = await current();
    if (!facts) {
      await view.update(
        waitingView(
          metadata,
          'Not found',
          `There is no ${thingMeant(exactWord(ref.job), [])} ${code(ref.job)} in this use case.`,
        ),
      );
      return;
    }
    if (!(await view.update(jobDetails(metadata, tab, facts)))) return;
    followInView(services.changes, view, {
      useCase: useCase.id,
      job: ref.job,
      metadata,
      permitted: () => may(context.actor.user, 'jobs:read', useCase, services.directory),
      draw: async () => {
        const now = await current();
        return now && { picture: jobDetails(metadata, tab, now), last: false };
      },
      onError: (error) => context.log.debug({ err: error }, 'the details are no longer refreshed'),
    });
  }

  /** What AWS reports about the attempts that count, in addition to what is stored; nothing if it does not answer. */
  async function describe(
    context: Context,
    useCase: UseCase,
    facts: DetailsFacts,
  ): Promise<NonNullable<DetailsFacts['reported']>> {
    const attempts = statesOf(facts)
      .flatMap(({ attempt }) => attempt ?? [])
      .slice(0, DESCRIBED);
    const reported = new Map<string, Readonly<Record<string, string>>>();
    if (attempts.length === 0) return reported;
    try {
      const session = await services.gateway.open(useCase, context.actor, 'comp');
      await Promise.all(
        attempts.map(async ({ id, compilationJob }) => {
          const report = await session.compiler.describe(compilationJob);
          if (report) reported.set(id, report.facts);
        }),
      );
    } catch (error) {
      // What is stored is shown all the same; these facts are then said to be not reported.
      context.log.info({ err: error }, 'no further facts of compilations');
    }
    return reported;
  }

  return {
    name: 'jobs',
    description: 'The training jobs of this channel and their compilations',
    usage: '[name] [state:failed] [by:me]',
    run,
    actions: {
      [JOBS.training]: redraw(({ ended: _, ...query }, value) => ({
        query: without(query, 'training', CHOSEN.training(value)),
      })),
      [JOBS.compilation]: redraw(({ ended: _, ...query }, value) => ({
        query: without(query, 'compilation', CHOSEN.compilation(value)),
      })),
      [JOBS.provider]: redraw((query, value) => ({
        query: without(query, 'provider', CHOSEN.provider(value)),
      })),
      [JOBS.by]: redraw((query, value) => ({ query: without(query, 'by', CHOSEN.by(value)) })),
      [JOBS.clear]: redraw(() => ({ query: {} })),
      [JOBS.page]: redraw((_, value) => ({ page: Math.max(0, Number(value) || 0) })),
      [COMPILE.details]: openDetails,
      [COMPILE.tab]: (context, action) => switchTab(context, action, false),
      [COMPILE.refresh]: (context, action) => switchTab(context, action, true),
      // Slack tells of clicks on links too; the browser does the rest.
      [COMPILE.link]: async () => {},
      ...again.actions,
      ...curves.actions,
      ...stop,
    },
    views: { ...again.views, ...curves.views },
    options: { ...curves.options },
  };
}

function without<K extends keyof JobsQuery>(query: JobsQuery, key: K, value: JobsQuery[K]): JobsQuery {
  const { [key]: _old, ...rest } = query;
  return value === undefined ? rest : { ...rest, [key]: value };
}

function filterOf({ by, ...query }: JobsQuery): JobFilter {
  return { ...query, person: by };
}
