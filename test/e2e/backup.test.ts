/** A bot whose data folder is lost goes on from a backup that was made while it worked. */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../cli/in-memory.ts';
import { type Bot, botEnvironment, filesBelow, startBot } from './bot.ts';

const JOB = 'defects-resnet101-ddp';
let bot: Bot;
beforeAll(async () => {
  bot = await startBot();
});
afterAll(() => bot.stop());

const records = async (): Promise<string> => {
  const { openLowdbStore } = await import('../../src/stores/lowdb.ts');
  const store = await openLowdbStore(join(bot.dataDir, 'bot'));
  const found = await store.listAudit({ limit: 1_000 });
  await store.close();
  return JSON.stringify(found);
};

it('[O5] a backup of a running bot, restored, is a bot that remembers, and tells nobody anything twice', async () => {
  const env = botEnvironment(bot.sandbox);
  const since = await bot.now('C0LINE3');
  await bot.command('ada', 'C0LINE3', JOB);
  await bot.message('C0LINE3', `Log of \`${JOB}\`* ·`, { since });
  const file = join(bot.dataDir, 'backup.tar.gz');
  const made = await run(['backup', file], { env });
  expect(made).toMatchObject({ exitCode: 0, stdout: `${file}\n` });
  expect(made.stderr).toMatch(/^Backed up .*\bfiles?, /);

  const data = join(bot.dataDir, 'bot');
  const refused = await run(['restore', file], { env });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('is not empty');

  await bot.app.stop();
  await rm(data, { recursive: true });
  const restored = await run(['restore', file], { env });
  expect(restored).toMatchObject({ exitCode: 0, stdout: `${data}\n` });
  expect(await readdir(data)).toContain('journal.jsonl');
  expect(await records()).toContain(JOB);

  const posts = (await bot.messages('C0LINE3')).length;
  await bot.restart();
  const asked = await bot.now('C0LINE3');
  await bot.command('ada', 'C0LINE3', JOB);
  await bot.message('C0LINE3', `Log of \`${JOB}\`* ·`, { since: asked });
  // The answer alone, once its progress message is gone: cards and alerts of before are known.
  await expect.poll(async () => (await bot.messages('C0LINE3')).length, { timeout: 60_000 }).toBe(posts + 1);
});

it('where the state is in PostgreSQL, a copy of the folder is refused for a backup', async () => {
  const env = {
    ...botEnvironment(bot.sandbox),
    DATABASE_URL: 'postgres://bot:secret-word@127.0.0.1:1/signalbox',
  };
  const refused = await run(['backup', join(bot.dataDir, 'nothing.tar.gz')], { env });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('pg_dump');
  expect(refused.stderr).not.toContain('secret-word');
});

it('everything in the data folder is for the bot’s own user alone, after a download too', async () => {
  let files: string[] = [];
  // What was read is kept by and by, and a folder that goes while it is looked at makes the list an empty one.
  await expect
    .poll(
      async () => {
        files = await filesBelow(join(bot.dataDir, 'bot'));
        return files.some((file) => file.includes('/library/'));
      },
      { timeout: 60_000 },
    )
    .toBe(true);
  const modes = await Promise.all(
    files.map(async (file) => ({ file, mode: (await stat(file).catch(() => undefined))?.mode ?? 0 })),
  );
  expect(modes.filter(({ mode }) => (mode & 0o077) !== 0)).toEqual([]);
});

it('a file that is no backup is refused by name, with what to do', async () => {
  const env = botEnvironment(bot.sandbox);
  const file = join(bot.dataDir, 'other.tar.gz');
  await writeFile(file, 'something else');
  const refused = await run(['restore', file, '--to', join(bot.dataDir, 'elsewhere')], { env });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain(file);
  expect(refused.stderr).toContain('Nothing was restored');
  expect(await readdir(bot.dataDir)).not.toContain('elsewhere');
});
