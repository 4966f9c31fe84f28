/** The message for a file of the data folder that cannot be read. */
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';

export function cannotRead(path: string, error: unknown): AppError {
  const code = systemCode(error);
  const why =
    code === 'EISDIR'
      ? 'a folder stands in its place'
      : code === 'EACCES' || code === 'EPERM'
        ? 'the user running Signalbox may not read it'
        : (code ?? String(error));
  return new AppError('internal', `The file ${path} cannot be read: ${why}.`, {
    hint: 'Signalbox does not start without it, since what it holds would be lost. Make it readable, or put back a copy of the data folder.',
    cause: error,
  });
}
