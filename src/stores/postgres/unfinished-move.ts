/** A database into which an embedded store is being moved: no instance works on half of it. */
import { AppError } from '../../ground/errors.ts';
import { placeOf } from './connections.ts';
import type { Database } from './database.ts';

/** @throws AppError conflict: it is not finished */
export async function requireMoved(database: Database, url: string): Promise<void> {
  const [unfinished] = await database.read<{ source: string }>(
    'select source from moves where finished_at is null',
  );
  if (unfinished)
    throw new AppError(
      'conflict',
      `The move of ${unfinished.source} into the database ${placeOf(url)} is not finished.`,
      { hint: `Run \`signalbox migrate --from ${unfinished.source}\` again: it goes on where it was.` },
    );
}
