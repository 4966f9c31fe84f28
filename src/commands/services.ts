/** What commands work with, handed over once by the composition root, and the ways in which every command fails. */
import { errorMessage } from '../blocks/errors.ts';
import type { Button } from '../blocks/message.ts';
import { rolesOf } from '../domain/access.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import type { AlertManager } from '../operations/alert-manager.ts';
import type { DownloadDeps } from '../operations/download-logs.ts';
import type { DownloadQueue } from '../operations/download-queue.ts';
import type { DeviceFinder } from '../operations/find-devices.ts';
import type { JobDeps } from '../operations/job-deps.ts';
import type { LiveRuns } from '../operations/live-runs.ts';
import type { CurveReader } from '../operations/read-curves.ts';
import type { JobRefresher } from '../operations/refresh-jobs.ts';
import type { JobSuggestions } from '../operations/suggest-jobs.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { CurvePictures } from '../ports/curve-pictures.ts';
import type { Directory } from '../ports/directory.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { Notices } from '../ports/notices.ts';
import type { Store } from '../ports/store.ts';
import type { ViewerLinks } from '../ports/viewer-links.ts';
import type { Context } from './context.ts';

export interface Services extends DownloadDeps, JobDeps {
  store: Store;
  useCases: readonly UseCase[];
  /** Signalbox's own admins, to ask when a use case names none. */
  admins: readonly string[];
  directory: Directory;
  /** Left out: there are no other instances. */
  coordination?: Coordination | undefined;
  downloads: DownloadQueue;
  suggestions: JobSuggestions;
  files: FileDelivery;
  curves: Pick<CurveReader, 'read'>;
  pictures: CurvePictures;
  alerts: AlertManager;
  refresher: Pick<JobRefresher, 'refreshNow'>;
  fleet: Pick<DeviceFinder, 'find'>;
  /** Opens runs in a browser. Left out: they cannot be opened. */
  viewer?: { runs: LiveRuns; links: ViewerLinks } | undefined;
  /** Shows runs in Slack as they print. */
  tails: {
    /** Those that can be shown. */
    runs: LiveRuns;
    notices: Pick<Notices, 'adopt'>;
    /** Word to whoever shows them. */
    changed(): void;
  };
}

/** A failure within a use case: only its admins see account details. */
export async function explain(
  services: Services,
  context: Context,
  useCase: UseCase,
  error: AppError,
  buttons: readonly (Button | undefined)[] = [],
): Promise<void> {
  await context.reply.privately(
    errorMessage(error, { asAdmin: await isAdmin(services, context, useCase), buttons }),
  );
}

/** What cannot be decided counts as no: it only concerns extras that are shown beside something else. */
export async function isAdmin(services: Services, context: Context, useCase: UseCase): Promise<boolean> {
  try {
    return (await rolesOf(context.actor.user, useCase, services.directory)).has('admin');
  } catch (error) {
    context.log.info({ err: error, useCase: useCase.id }, 'not known whether somebody is an admin');
    return false;
  }
}
