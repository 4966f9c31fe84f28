/** Tokens and signing secret: random for each data folder, the same after a restart. */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Secrets } from './context.ts';
import { parseJson } from './http.ts';

const secretsSchema = z.object({
  botToken: z.string().startsWith('xoxb-'),
  appToken: z.string().startsWith('xapp-'),
  signingSecret: z.string().min(16),
  verificationToken: z.string().min(16),
});

export async function loadSecrets(dataDir: string, appId: string): Promise<Secrets> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'slack-sandbox.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const known = secretsSchema.safeParse(parseJson(text));
  if (known.success) return known.data;
  const digits = (): string => String(randomInt(1e11, 1e12));
  const secrets: Secrets = {
    botToken: `xoxb-${digits()}-${digits()}-${randomBytes(12).toString('hex')}`,
    appToken: `xapp-1-${appId}-${digits()}-${randomBytes(32).toString('hex')}`,
    signingSecret: randomBytes(16).toString('hex'),
    verificationToken: randomBytes(12).toString('hex'),
  };
  await writeFile(path, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
