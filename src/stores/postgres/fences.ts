/** The newest fence of each lease, which every write under one compares itself with (database.ts). */
import { type Fence, outdated } from '../../ports/fences.ts';
import type { Database } from './database.ts';

/** Waits for the writes under an older fence that are under way: they hold a share of the row. */
export async function raiseFence(database: Database, fence: Fence): Promise<void> {
  await database.write([`fence ${fence.lease}`], async (transaction) => {
    const [raised] = await transaction.write(
      `insert into fences (lease, fence) values ($1, $2)
       on conflict (lease) do update set fence = excluded.fence where fences.fence <= excluded.fence
       returning fence`,
      [fence.lease, fence.fence],
    );
    if (raised) return;
    const [newest] = await transaction.read<{ fence: string }>('select fence from fences where lease = $1', [
      fence.lease,
    ]);
    throw outdated(fence, Number(newest!.fence));
  });
}
