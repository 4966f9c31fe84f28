/** Every command: a new one is one file in this folder and one line here. */
import { aboutCommand } from './about.ts';
import type { Command } from './command.ts';
import { logsCommand } from './logs.ts';
import type { Services } from './services.ts';

export function allCommands(services: Services): readonly Command[] {
  const commands: readonly Command[] = [logsCommand(services), aboutCommand(() => commands)];
  return commands;
}
