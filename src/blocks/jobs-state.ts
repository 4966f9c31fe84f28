/** What the table of `/jobs` shows, kept in its own blocks; and what its menus were set to. */

import { LIMITS } from '#sandbox/block-kit';
import { COMPILATIONS, type JobsQuery, TRAININGS } from '../domain/jobs-query.ts';
import { PROVIDER_NAMES } from '../domain/providers.ts';

/** Query and page as a block id: whatever is clicked in the message brings it along. */
export function writeJobsState(query: JobsQuery, page: number): string {
  const { name, training, compilation, ended, provider, by } = query;
  const text = JSON.stringify(
    [name, training, compilation, ended, provider, by].map((one) => one ?? '').concat(String(page)),
  );
  return text.length <= LIMITS.id - 2 ? text : JSON.stringify(['', '', '', '', '', '', '0']);
}

const known = <T extends string>(all: readonly T[], value: unknown): T | undefined =>
  all.find((one) => one === value);

/** Anything that cannot be read is the whole table. */
export function readJobsState(block: string): { query: JobsQuery; page: number } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(block.replace(/^[a-z] /, ''));
  } catch {
    return { query: {}, page: 0 }; // An id of another version: the filters start anew.
  }
  const parts = Array.isArray(parsed) && parsed.length === 7 ? (parsed as unknown[]) : [];
  const [name, training, compilation, ended, provider, by, page] = parts;
  const query: JobsQuery = {
    name: typeof name === 'string' && name !== '' ? name : undefined,
    training: known(TRAININGS, training),
    compilation: known(COMPILATIONS, compilation),
    ended: known(['failed', 'stopped'] as const, ended),
    provider: known(PROVIDER_NAMES, provider),
    by: typeof by === 'string' && by !== '' ? by : undefined,
  };
  return {
    query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
    page: typeof page === 'string' && /^\d{1,6}$/.test(page) ? Number(page) : 0,
  };
}

/** What a menu of the table was set to: undefined for "every", and for what none of them offers. */
export const CHOSEN = {
  training: (value: string) => known(TRAININGS, value),
  compilation: (value: string) => known(COMPILATIONS, value),
  provider: (value: string) => known(PROVIDER_NAMES, value),
  by: (value: string) => (/^[UW][A-Z0-9]+$/.test(value) ? value : undefined),
} as const;
