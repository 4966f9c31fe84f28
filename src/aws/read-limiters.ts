/** One limiter in each process for each API that reads logs, of an account in a region. */
import type { Budgets } from '../ports/budgets.ts';
import { type ReadApi, readQuota } from './cloudwatch-logs-quotas.ts';
import { RateLimiter } from './rate-limit.ts';

type Limiters = Map<string, RateLimiter>;

const ofProcess: Limiters = new Map();
/** Apart from others, where several instances run in one process. */
const ofInstances = new WeakMap<Budgets, Limiters>();

function limitersOf(budgets: Budgets | undefined): Limiters {
  if (!budgets) return ofProcess;
  const limiters = ofInstances.get(budgets) ?? new Map();
  ofInstances.set(budgets, limiters);
  return limiters;
}

/** @param of.quota requests a second, where they differ from what AWS publishes for the region */
export function readLimiter(
  of: {
    account: string;
    region: string;
    quota?: Partial<Record<ReadApi, number>> | undefined;
    budgets?: Budgets | undefined;
  },
  api: ReadApi,
): RateLimiter {
  const { account, region, quota, budgets } = of;
  const limiters = limitersOf(budgets);
  const rate = quota?.[api] ?? readQuota(region, api);
  const key = `${account}/${region}/${api}/${rate}`;
  const known = limiters.get(key);
  if (known) return known;
  const limiter = new RateLimiter({ rate, shared: budgets && { budgets, name: `aws/${key}` } });
  limiters.set(key, limiter);
  return limiter;
}
