/** This program, to be started in a process of its own: from its sources, or built. */
import { fileURLToPath } from 'node:url';

/** What `process.execPath` is given for a command line of Signalbox. */
export function ownProgram(...words: string[]): string[] {
  const file = import.meta.filename.endsWith('.ts') ? '../cli.ts' : '../cli.js';
  return [...process.execArgv, fileURLToPath(new URL(file, import.meta.url)), ...words];
}
