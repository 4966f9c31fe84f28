/** Which training job a message in Slack is about. */
import { givenName, readJobWord } from '../domain/job-keys.ts';
import { jobNameCandidates } from '../domain/job-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { findOwner } from '../operations/find-jobs.ts';
import type { ShortcutMessage } from './command.ts';
import type { Services } from './services.ts';

/** Names that the providers are asked about, the likeliest first. */
const LOOKED_UP = 3;

/**
 * @param openUseCases those in which to look; only asked for if something in the message may be a name
 * @returns the first name in the message that is a job's
 */
export async function jobInMessage(
  services: Pick<Services, 'suggestions' | 'gateway'>,
  actor: Actor,
  { text, blocks }: Pick<ShortcutMessage, 'text' | 'blocks'>,
  openUseCases: () => Promise<readonly UseCase[]>,
): Promise<{ useCase: UseCase; job: string } | undefined> {
  const names = jobNameCandidates(`${text}\n${textIn(blocks)}`);
  if (names.length === 0) return undefined;
  const open = await openUseCases();
  const known = await services.suggestions.suggest(actor, open, '', 100);
  for (const name of names) {
    const word = readJobWord(name);
    const match = known.find(
      ({ job }) =>
        [job.name, givenName(job.provider, job.name)].includes(word.name) &&
        (word.provider === undefined || job.provider === word.provider),
    );
    if (match) return { useCase: match.useCase, job: name };
  }
  for (const name of names.slice(0, LOOKED_UP)) {
    const owner = await findOwner(services.gateway, actor, open, name);
    if (owner) return { useCase: owner.useCase, job: name };
  }
  return undefined;
}

/** Every text in blocks, however deep. */
function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textIn).join('\n');
  return typeof value === 'object' && value !== null ? textIn(Object.values(value)) : '';
}
