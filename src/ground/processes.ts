/** Whether a process is still running, which its id alone does not tell, since ids are reused. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCode } from './files.ts';

const run = promisify(execFile);

/** @param started as `processStart` returned it; left out: the id alone decides */
export async function runsProcess(pid: number, started: string | undefined): Promise<boolean> {
  if (!isAlive(pid) || (await isDeadProcess(pid))) return false;
  // The id may be reused: a container's first process is always 1.
  return started === undefined || started === (await processStart(pid));
}

/** When a process began: on Linux in clock ticks since boot, elsewhere as `ps` prints it; undefined if unknown. */
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

/** The processes of a session, in whatever process group; known only on Linux, empty elsewhere. */
export async function processesOfSession(session: number): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(async (pid) => [pid, await processStat(pid)] as const));
  return stats.flatMap(([pid, stat]) => (stat?.[3] === String(session) && stat[0] !== 'Z' ? [pid] : []));
}

/** A zombie: dead, but its parent has not noticed yet. It still has an id, and writes nothing any more. */
export async function isDeadProcess(pid: number): Promise<boolean> {
  const [state] = (await processStat(pid)) ?? [];
  return state === 'Z' || state === 'X';
}

/** Whether this process is in its terminal's foreground group; true if unknown. */
export async function isInForeground(): Promise<boolean> {
  const stat = await processStat(process.pid);
  return stat === undefined || stat[2] === stat[5];
}

/** By its id alone, including other users' processes and zombies. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists but is somebody else's.
    return systemCode(error) === 'EPERM';
  }
}

/** The fields of /proc/<id>/stat from the third on; undefined where there is no /proc. */
async function processStat(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted after the name, which may contain spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
