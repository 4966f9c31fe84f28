/** The access keys of the sandbox: made once per data folder, so that a configured bot keeps working. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type AccessKey, SandboxError } from '#sandbox';
import { uniqueId } from '#sandbox/seeds';
import { ACCOUNTS, type SandboxKeys } from './use-cases.ts';

const FILE = 'aws-keys.json';
const keySchema = z.object({
  accessKeyId: z.string().regex(/^AKIA[A-Z2-7]{16}$/),
  secretAccessKey: z.string().min(20),
});
/** The bot's key, and beside it what older folders do not have: those of the accounts' administrators, and RunPod's. */
const keysSchema = keySchema.extend({
  admins: z.record(z.string(), keySchema).default({}),
  runpod: z.string().startsWith('rpa_').optional(),
});

const newKey = (): AccessKey => ({
  accessKeyId: uniqueId('AKIA'),
  secretAccessKey: randomBytes(30).toString('base64url'),
});

/** @throws SandboxError invalid_input when the folder's key file is damaged */
export async function loadKeys(dataDir: string): Promise<SandboxKeys> {
  const path = join(dataDir, FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const known = text === undefined ? undefined : parseKeys(path, text);
  const missing = ACCOUNTS.filter((account) => known?.admins[account] === undefined);
  if (known?.runpod !== undefined && missing.length === 0) return { ...known, runpod: known.runpod };
  const keys = {
    ...(known ?? newKey()),
    runpod: known?.runpod ?? `rpa_${randomBytes(24).toString('hex').toUpperCase()}`,
    admins: { ...known?.admins, ...Object.fromEntries(missing.map((account) => [account, newKey()])) },
  };
  await mkdir(dataDir, { recursive: true });
  // Written aside and renamed: half a file would lock the folder's bot out.
  await writeFile(`${path}.new`, JSON.stringify(keys, null, 2), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return keys;
}

function parseKeys(path: string, text: string): z.infer<typeof keysSchema> {
  try {
    return keysSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SandboxError('invalid_input', `The sandbox's keys in ${path} cannot be read.`, {
      hint: 'Delete the file: the sandbox makes new keys at its next start.',
      cause,
    });
  }
}
