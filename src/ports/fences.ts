/** Writes under a lease: an instance that has lost it without knowing can no longer write. */
import { AppError } from '../ground/errors.ts';

/** A lease, and which of its holders (coordination.ts). */
export interface Fence {
  lease: string;
  fence: number;
}

export interface FencedStore<S> {
  /**
   * The same state for work under a lease. Resolves once every write under an older fence of that lease is refused,
   * so that earlier holders can no longer change what is read afterwards.
   * @returns a store whose writes throw AppError conflict once a newer fence is known; closing it closes nothing
   * @throws AppError conflict when a newer fence is already known
   */
  under(fence: Fence): Promise<S>;
}

/** For stores: the write came from an earlier holder of the lease. */
export const outdated = ({ lease, fence }: Fence, newest: number): AppError =>
  new AppError('conflict', `The lease "${lease}" has a new holder: fence ${newest} came after ${fence}.`, {
    hint: 'Nothing is to be done: the new holder goes on with the work.',
  });
