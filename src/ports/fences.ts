/** Writes under a lease: who has lost it without knowing yet writes nothing any more. */
import { AppError } from '../ground/errors.ts';

/** Which lease, and which of its holders (coordination.ts). */
export interface Fence {
  lease: string;
  fence: number;
}

export interface FencedStore<S> {
  /**
   * The same state for work under a lease. Resolves once every write under an older fence of that lease is refused:
   * what is read afterwards, nobody before changes any more.
   * @returns its writes throw AppError conflict as soon as a newer fence is known; closing it closes nothing
   * @throws AppError conflict when a newer fence is known already
   */
  under(fence: Fence): Promise<S>;
}

/** For stores: the write came from who had the lease before. */
export const outdated = ({ lease, fence }: Fence, newest: number): AppError =>
  new AppError('conflict', `The lease "${lease}" has a new holder: fence ${newest} came after ${fence}.`, {
    hint: 'Nothing is to be done: the new holder goes on with the work.',
  });
