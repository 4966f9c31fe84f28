/** `/signalbox`: what there is. */
import { overviewMessage } from '../blocks/overview.ts';
import { commandWords } from '../domain/command-words.ts';
import { asksForHelp } from '../domain/log-query.ts';
import { AppError } from '../errors.ts';
import type { Command } from './command.ts';

/** @param all every command, this one included; asked for when it is needed */
export function aboutCommand(all: () => readonly Command[]): Command {
  return {
    name: 'signalbox',
    description: 'What Signalbox can do here',
    usage: 'help',
    run: async (context, text) => {
      const words = commandWords(text);
      if (!asksForHelp(words))
        throw new AppError('invalid_input', `/signalbox knows help; “${words[0]!.slice(0, 60)}” came.`, {
          hint: `The commands are: ${all()
            .map((command) => `/${command.name}`)
            .join(', ')}`,
        });
      await context.reply.privately(overviewMessage(all(), '/'));
    },
  };
}
