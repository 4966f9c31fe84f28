/** Whether a process still runs: its id alone does not tell, since ids are given out again. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCode } from './files.ts';

const run = promisify(execFile);

/** @param started as `processStart` gave it; left out, the id alone decides */
export async function runsProcess(pid: number, started: string | undefined): Promise<boolean> {
  if (!isAlive(pid) || (await isDeadProcess(pid))) return false;
  // Same id, another process: a container's first process is always 1.
  return started === undefined || started === (await processStart(pid));
}

/** When a process began: on Linux in clock ticks since boot, elsewhere as `ps` tells it; undefined where nothing does. */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return (await processStat(pid))?.[19];
  try {
    // Digits alone: it stands in names and lists of others.
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    const at = Date.parse(stdout.trim());
    return Number.isNaN(at) ? undefined : String(at);
  } catch {
    return undefined;
  }
}

/** The processes of a session, also those that made groups of their own; only Linux tells, elsewhere none. */
export async function processesOfSession(session: number): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(async (pid) => [pid, await processStat(pid)] as const));
  return stats.flatMap(([pid, stat]) => (stat?.[3] === String(session) && stat[0] !== 'Z' ? [pid] : []));
}

/** Killed, and only waiting for its parent to notice: it still has an id and writes nothing any more. */
export async function isDeadProcess(pid: number): Promise<boolean> {
  const [state] = (await processStat(pid)) ?? [];
  return state === 'Z' || state === 'X';
}

/** Whether this process is one of those that its terminal's keys go to; where nothing tells, it is taken to be. */
export async function isInForeground(): Promise<boolean> {
  const stat = await processStat(process.pid);
  return stat === undefined || stat[2] === stat[5];
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
