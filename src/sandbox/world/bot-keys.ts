/** The bot's access key in the sandbox: made once per data folder, so that a configured bot keeps working. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { uniqueId } from '../aws/iam.ts';
import type { BotKeys } from './use-cases.ts';

const FILE = 'aws-keys.json';
const keysSchema = z.object({
  accessKeyId: z.string().regex(/^AKIA[A-Z2-7]{16}$/),
  secretAccessKey: z.string().min(20),
});

/** @throws AppError invalid_input when the folder's key file is damaged */
export async function loadBotKeys(dataDir: string): Promise<BotKeys> {
  const path = join(dataDir, FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return parseKeys(path, text);
  const keys = { accessKeyId: uniqueId('AKIA'), secretAccessKey: randomBytes(30).toString('base64url') };
  await mkdir(dataDir, { recursive: true });
  // Written aside and renamed: half a file would lock the folder's bot out.
  await writeFile(`${path}.new`, JSON.stringify(keys, null, 2), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return keys;
}

function parseKeys(path: string, text: string): BotKeys {
  try {
    return keysSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('invalid_input', `The sandbox's keys in ${path} cannot be read.`, {
      hint: 'Delete the file: the sandbox makes new keys at its next start.',
      cause,
    });
  }
}
