/** `signalbox manifest`: the Slack app to import, with other command names if they are taken. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMap, isSeq, parseDocument } from 'yaml';
import { AppError } from '../ground/errors.ts';
import type { CliIo } from './io.ts';

/** In the folder that contains src/ or dist/. */
export const MANIFEST_PATH = fileURLToPath(new URL('../../manifest.yml', import.meta.url));

/** Slack's length limit for a slash command, including the slash. */
const COMMAND_LIMIT = 32;

export async function manifest(options: { prefix?: string }, io: CliIo): Promise<undefined> {
  const text = await readFile(MANIFEST_PATH, 'utf8');
  io.stdout.write(options.prefix === undefined ? text : prefixCommands(text, options.prefix));
  return undefined;
}

/** The manifest with the prefix before every slash command; comments and order stay. */
export function prefixCommands(text: string, prefix: string): string {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(prefix))
    throw new AppError(
      'invalid_input',
      `A prefix has lower-case letters, digits, hyphens and underscores, unlike "${prefix.slice(0, 60)}".`,
      { hint: 'For example: signalbox manifest --prefix ml-' },
    );
  const document = parseDocument(text);
  const commands = document.getIn(['features', 'slash_commands']);
  for (const command of isSeq(commands) ? commands.items : []) {
    if (!isMap(command)) continue;
    const name = String(command.get('command'));
    const prefixed = `/${prefix}${name.replace(/^\//, '')}`;
    if (prefixed.length > COMMAND_LIMIT)
      throw new AppError(
        'invalid_input',
        `${prefixed} has ${prefixed.length} characters; Slack allows a command ${COMMAND_LIMIT}.`,
        { hint: `Choose a prefix of at most ${COMMAND_LIMIT - name.length} characters.` },
      );
    command.set('command', prefixed);
  }
  return document.toString({ lineWidth: 0 });
}
