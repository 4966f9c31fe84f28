/** A short-lived link to a compiled model. The caller checks rights first. */
import { type CompilationAttempt, currentStatus, isSuccessful } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { JobDeps } from './job-deps.ts';
import { findAttempt } from './observe-jobs.ts';

export interface ArtifactLink {
  /** Works for anybody who has it, so show it only to the person who asked. */
  url: string;
  fileName: string;
  expiresAt: EpochMs;
  attempt: CompilationAttempt;
  sessionName: string;
}

const LINK_SECONDS = 15 * 60;

/**
 * Recorded before it is handed over.
 * @param request.attempt id of the attempt
 * @throws AppError not_found (attempt or object), conflict (not compiled), and as the gateway
 */
export async function artifactLink(
  deps: Pick<JobDeps, 'gateway' | 'store' | 'clock'>,
  request: { actor: Actor; useCase: UseCase; attempt: string },
): Promise<ArtifactLink> {
  const { actor, useCase } = request;
  const attempt = await findAttempt(deps, useCase, request.attempt);
  const { artifact, job, target } = attempt;
  if (!isSuccessful(attempt) || artifact === undefined)
    throw new AppError(
      'conflict',
      `${job} is not compiled for ${target}: this attempt is ${currentStatus(attempt)}.`,
      { hint: 'Only a completed compilation has an artifact.' },
    );
  const session = await deps.gateway.open(useCase, actor, 'comp');
  const { sessionName } = session;
  const record = (action: string, detail: Record<string, string | number>): Promise<void> =>
    deps.store.appendAudit({
      at: deps.clock.now(),
      actor,
      action,
      useCase: useCase.id,
      subject: job,
      sessionName,
      detail: { target, artifact, ...detail },
    });
  const fileName = `${job}-${target}${/\.[a-z]+(?:\.[a-z]+)?$/i.exec(artifact.split('/').at(-1)!)?.[0] ?? ''}`;
  const at = deps.clock.now();
  let url: string;
  try {
    url = await session.artifacts.presign(artifact, { expiresSeconds: LINK_SECONDS, fileName });
  } catch (thrown) {
    const error = toAppError(thrown);
    await record('artifact.link_failed', { code: error.code, ref: error.ref });
    throw error;
  }
  const seconds = lifetime(url);
  await record('artifact.linked', { seconds });
  return { url, fileName, expiresAt: at + seconds * 1000, attempt, sessionName };
}

/** Seconds; if the link had to be shorter than requested, it says so. */
function lifetime(url: string): number {
  const told = URL.canParse(url) ? Number(new URL(url).searchParams.get('X-Amz-Expires')) : 0;
  return Number.isFinite(told) && told > 0 ? told : LINK_SECONDS;
}
