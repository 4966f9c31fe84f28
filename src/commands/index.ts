/** Every command: a new one is one file in this folder and one line here. */
import type { Command } from './command.ts';
import { compileCommand } from './compile.ts';
import { componentsCommand } from './components.ts';
import { jobsCommand } from './jobs.ts';
import { logsCommand } from './logs.ts';
import type { Services } from './services.ts';
import { signalboxCommand } from './signalbox.ts';
import { trainCommand } from './train.ts';

export function allCommands(services: Services): readonly Command[] {
  const commands: readonly Command[] = [
    logsCommand(services),
    compileCommand(services),
    jobsCommand(services),
    trainCommand(services),
    componentsCommand(services),
    signalboxCommand(services, () => commands),
  ];
  return commands;
}
