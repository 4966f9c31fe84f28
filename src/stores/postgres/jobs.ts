/** Training jobs, and which kinds of them roles may not ask about. */
import { jobKey } from '../../domain/job-keys.ts';
import type { JobRecord } from '../../domain/job-records.ts';
import type { JobStore } from '../../ports/job-store.ts';
import type { KindRefusal, RefusalStore } from '../../ports/refusal-store.ts';
import { refusalKey } from '../notification-tables.ts';
import { pairKey } from '../tables.ts';
import type { Database } from './database.ts';
import { column, type Kind } from './records.ts';
import { records } from './table.ts';

export const JOBS: Kind<JobRecord> = {
  name: 'job',
  table: 'jobs',
  key: ({ job }) => pairKey(job.useCase, jobKey(job)),
  columns: {
    use_case: ({ job }) => column(job.useCase),
    provider: ({ job }) => job.provider,
    created_at: ({ job }) => job.createdAt,
  },
};

export function jobs(database: Database): JobStore {
  const all = records(database, JOBS);
  return {
    getJob: (useCase, key) => all.get(pairKey(useCase, key)),
    listJobs: ({ useCase, provider, limit }) =>
      all.list(
        `select record from jobs
         where ($1::text is null or use_case = $1) and ($2::text is null or provider = $2)
         order by created_at desc, seq desc limit $3`,
        [useCase === undefined ? null : column(useCase), provider ?? null, limit],
      ),
    changeJob: (useCase, key, change) => all.change(pairKey(useCase, key), change),
  };
}

export const REFUSALS: Kind<KindRefusal> = {
  name: 'refusal',
  table: 'refusals',
  key: refusalKey,
  columns: { since: ({ since }) => since },
};

export function refusals(database: Database): RefusalStore {
  const all = records(database, REFUSALS);
  return {
    async putKindRefusal(refusal) {
      await all.change(refusalKey(refusal), (before) => before ?? refusal);
    },
    async removeKindRefusal(refusal) {
      await all.remove(refusalKey(refusal));
    },
    listKindRefusals: () => all.list('select record from refusals order by since, seq'),
  };
}
