/** Whether a process still runs: its id alone does not tell, since ids are given out again. */
import { readFile } from 'node:fs/promises';
import { systemCode } from './files.ts';

/** @param started as `processStart` gave it; left out, the id alone decides */
export async function runsProcess(pid: number, started: string | undefined): Promise<boolean> {
  if (!isAlive(pid) || (await isDeadProcess(pid))) return false;
  // Same id, another process: a container's first process is always 1.
  return started === undefined || started === (await processStart(pid));
}

/** Start of the process in clock ticks since boot; undefined elsewhere than on Linux. */
export async function processStart(pid: number): Promise<string | undefined> {
  return (await processStat(pid))?.[19];
}

/** Killed, and only waiting for its parent to notice: it still has an id and writes nothing any more. */
export async function isDeadProcess(pid: number): Promise<boolean> {
  const [state] = (await processStat(pid)) ?? [];
  return state === 'Z' || state === 'X';
}

/** By its id alone, also where it is somebody else's or waits for its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there, but somebody else's.
    return systemCode(error) === 'EPERM';
  }
}

/** Fields of Linux's process table from the third on; undefined elsewhere. */
async function processStat(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted behind the name, which may itself hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
