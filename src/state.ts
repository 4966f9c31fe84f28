/** What a process keeps its state in: its own folder, or a database that several instances share. */
import { mkdir } from 'node:fs/promises';
import type { Config } from './config.ts';
import type { Clock } from './ground/time.ts';
import type { Logger } from './logger.ts';
import type { Budgets } from './ports/budgets.ts';
import type { Coordination } from './ports/coordination.ts';
import type { RunLogStore } from './ports/run-log-store.ts';
import type { RunTimesStore } from './ports/run-times.ts';
import type { Store } from './ports/store.ts';
import { runsFolder, runTimesFolder } from './roots.ts';
import { openFileRunLogs } from './runs/file-run-logs.ts';
import { PushedTimes } from './runs/pushed-times.ts';
import { lockFolder } from './stores/folder-lock.ts';
import { InProcessBudgets } from './stores/in-process-budgets.ts';
import { InProcessHub } from './stores/in-process-coordination.ts';
import { openLowdbStore } from './stores/lowdb.ts';

export interface OpenState {
  /** Closed last: whatever else there is ends with it. */
  store: Store;
  coordination: Coordination;
  budgets: Budgets;
  runLogs: RunLogStore;
  runTimes: RunTimesStore;
}

/**
 * @throws AppError conflict: another process has the data folder; unavailable: folder or database cannot be used;
 *   internal: what is there cannot be read
 */
export async function openState(
  { dataDir, database }: Pick<Config, 'dataDir' | 'database'>,
  { logger, clock, leaseClock = clock }: { logger: Logger; clock: Clock; leaseClock?: Clock | undefined },
): Promise<OpenState> {
  const onError = (error: unknown, { topic }: { topic: string }): void =>
    logger.error({ err: error, topic }, 'word from another part was lost');
  const onLockLost = (cause: Error): void =>
    logger.fatal({ err: cause }, 'the lock of the data folder was lost');
  if (!database) {
    const store = await openLowdbStore(dataDir, { onLockLost });
    try {
      const runLogs = await openFileRunLogs({ folder: runsFolder({ dataDir }), clock });
      const runTimes = new PushedTimes(runTimesFolder({ dataDir }));
      const coordination = new InProcessHub({ clock, onError }).join();
      return { store, coordination, budgets: new InProcessBudgets(clock), runLogs, runTimes };
    } catch (error) {
      await store.close();
      throw error;
    }
  }
  // Downloads and the library are in the folder all the same, which has one process.
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dataDir, onLockLost);
  try {
    // Loaded only where it is used.
    const { openPostgres } = await import('./stores/postgres/index.ts');
    const opened = await openPostgres({ ...database, clock: leaseClock, onError });
    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await opened.store.close();
      await lock.release();
    };
    return { ...opened, store: { ...opened.store, close: () => (closed ??= close()) } };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
