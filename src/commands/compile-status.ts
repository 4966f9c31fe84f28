/** The state of each target after compilations were started: for an answer, or for a window that stays up to date. */

import { type CompileStatusFacts, compileStatusView, type StartLine } from '../blocks/compile-status.ts';
import type { Modal } from '../blocks/message.ts';
import { may } from '../domain/access.ts';
import { targetStates } from '../domain/compilation-states.ts';
import { isLive } from '../domain/compilations.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { jobSnapshot } from '../operations/job-snapshots.ts';
import type { StartReport } from '../operations/start-compilations.ts';
import type { Context, OpenView } from './context.ts';
import { metadataFor } from './job-access.ts';
import type { Services } from './services.ts';
import { followInView } from './view-turns.ts';

/** Shows the status view, and redraws it on every change while the window is open. */
export async function showCompileStatus(
  services: Services,
  context: Context,
  view: OpenView,
  useCase: UseCase,
  report: StartReport,
): Promise<void> {
  const metadata = metadataFor(context);
  const draw = async (): Promise<{ picture: Modal; last: boolean }> => {
    const facts = await compileStatusFacts(services, useCase, report);
    return {
      picture: compileStatusView(metadata, facts),
      last: facts.states.every(({ attempt }) => !attempt || !isLive(attempt)),
    };
  };
  const { picture } = await draw();
  if (!(await view.update(picture))) return;
  followInView(services.changes, view, {
    useCase: useCase.id,
    job: jobKey(report.job),
    metadata,
    permitted: () => may(context.actor.user, 'jobs:read', useCase, services.directory),
    draw,
    onError: (error) => context.log.debug({ err: error }, 'the status view is no longer refreshed'),
  });
}

export async function compileStatusFacts(
  services: Services,
  useCase: UseCase,
  report: StartReport,
): Promise<CompileStatusFacts> {
  const job = jobKey(report.job);
  const snapshot = await jobSnapshot(services, useCase, job);
  const asked = report.results.map(({ target }) => target);
  const attempts = snapshot?.attempts ?? report.results.flatMap(({ attempt }) => attempt ?? []);
  return {
    useCase,
    job,
    states: targetStates(attempts, asked).filter(({ target }) => asked.includes(target)),
    starts: report.results.map(({ target, outcome, error }): StartLine => ({ target, outcome, error })),
    usual: new Map(
      (snapshot?.targets ?? []).flatMap(({ target, usualMs }) =>
        usualMs === undefined ? [] : [[target, usualMs]],
      ),
    ),
    now: services.clock.now(),
  };
}
