/** A command line before it is run: whether its program is there and may be run, in words and with the shell's exit codes. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** What a shell reports of a command that it does not find, or may not run. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

export interface CommandProblem {
  exitCode: number;
  /** A sentence: what is wrong and what to do. */
  message: string;
}

export interface CommandPlace {
  cwd: string;
  /** As the environment has it; left out: the system's usual folders. */
  path?: string | undefined;
}

/** @returns why the command cannot be started; undefined where nothing speaks against it */
export function commandProblem(command: readonly string[], place: CommandPlace): CommandProblem | undefined {
  const [program = ''] = command;
  if (judge(place.cwd) !== 'folder')
    return { exitCode: NOT_FOUND, message: `The folder ${place.cwd} to run in does not exist.` };
  if (program === '') return { exitCode: NOT_FOUND, message: 'The command is empty.' };
  if (program.includes('/')) {
    const found = judge(resolve(place.cwd, program));
    return found === 'runs' ? undefined : problemOf(program, found);
  }
  const folders = (place.path ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter);
  const found = folders.map((folder) => judge(join(folder || place.cwd, program)));
  if (found.includes('runs')) return undefined;
  if (found.includes('not executable')) return problemOf(program, 'not executable');
  return {
    exitCode: NOT_FOUND,
    message: `The command ${program} was not found. Check its spelling, or give its whole path; PATH is ${folders.join(delimiter)}`,
  };
}

type Judgement = 'runs' | 'missing' | 'folder' | 'not executable';

function problemOf(program: string, judgement: Exclude<Judgement, 'runs'>): CommandProblem {
  if (judgement === 'missing')
    return { exitCode: NOT_FOUND, message: `The command ${program} was not found: there is no such file.` };
  if (judgement === 'folder')
    return { exitCode: NOT_EXECUTABLE, message: `${program} is a folder, so it cannot be run.` };
  return {
    exitCode: NOT_EXECUTABLE,
    message: `${program} may not be run: make it executable (chmod +x), or start it with its interpreter: python ${program}`,
  };
}

function judge(file: string): Judgement {
  try {
    if (statSync(file).isDirectory()) return 'folder';
  } catch {
    return 'missing';
  }
  try {
    accessSync(file, constants.X_OK);
    return 'runs';
  } catch {
    return 'not executable';
  }
}
