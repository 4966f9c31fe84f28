/** How many instances of a type an account may use at a time, for each kind of work. */
import { AwsError } from './errors.ts';

/** Without a raised quota nobody gets these. */
const LARGEST = /^ml\.(?:p[4-9]|trn|ultra)/;

/** @throws AwsError ResourceLimitExceeded, in SageMaker's words */
export function checkInstances(
  work: string,
  { type, count, used, limit: most }: { type: string; count: number; used: number; limit: number },
): void {
  const limit = LARGEST.test(type) ? 0 : most;
  if (used + count <= limit) return;
  throw new AwsError(
    'ResourceLimitExceeded',
    `The account-level service limit '${type} for ${work} usage' is ${limit} Instances, with current utilization of ${used} Instances and a request delta of ${count} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.`,
  );
}
