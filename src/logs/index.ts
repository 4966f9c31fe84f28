/**
 * The log engine: from a log source and a time range to ordered, complete text on disk.
 * Callers see this file only. How it works: docs/log-engine.md.
 */
import type { LogEngine } from './contract.ts';
import { Engine, type LogEngineOptions } from './engine.ts';

export type {
  LogDownload,
  LogDownloader,
  LogDownloadRequest,
  LogEngine,
  LogForm,
  LogProgress,
} from './contract.ts';
export { plainText } from './plain-text.ts';
export type { LogEngineOptions };

/**
 * @example const engine = createLogEngine({ spoolDir: join(dataDir, 'spool') });
 * A download that fails for want of the service, or is aborted with an AppError as the signal's reason (shutdown),
 * leaves what it has read for an hour: the same request continues from there. Any other abort removes everything.
 */
export function createLogEngine(options: LogEngineOptions): LogEngine {
  return new Engine(options);
}
