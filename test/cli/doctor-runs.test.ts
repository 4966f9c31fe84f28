import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRuns } from '../../src/cli/doctor/run-checks.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { openPostgresRunLogs } from '../../src/stores/postgres/index.ts';
import { migrate } from '../../src/stores/postgres/schema.ts';
import { whyNoPostgres } from '../fixtures/postgres.ts';
import { postgresOfTests } from '../stores/postgres/harness.ts';

const clock = { now: () => Date.UTC(2026, 10, 29) };
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-doctor-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const look = async (disk = 10e9, keepFor: number | undefined = 30 * 86_400_000) =>
  (await checkRuns({ dataDir, database: undefined, runs: { keepFor, disk } }, clock)).map(
    ({ title, status, detail }) => `${title} ${status}: ${detail.replace(dataDir, '<dataDir>')}`,
  );

async function keep(id: string): Promise<void> {
  const logs = await openFileRunLogs({ folder: join(dataDir, 'runs'), clock });
  await logs.create(id);
  await logs.append(id, 0, Buffer.alloc(1_000_000, 'epoch\n'));
  await logs.close();
}

it('[O2] says what the logs of runs take, of how much and for how long', async () => {
  expect(await look()).toEqual(['disk ok: there are none in <dataDir>/runs']);
  await keep('line-3~push~bert');
  expect(await look()).toEqual([
    expect.stringMatching(/^disk ok: 1 takes 1\.\d MB of 10\.0 GB in <dataDir>\/runs, kept for 30 days$/),
  ]);
});

it('[O2] warns where they take more than they may, and names those that cannot be read', async () => {
  await keep('line-3~push~bert');
  await mkdir(join(dataDir, 'runs', 'line-3~push~half'));
  await writeFile(join(dataDir, 'runs', 'line-3~push~half', 'state'), '{');
  expect(await look(1e6, 3_600_000)).toEqual([
    expect.stringMatching(/^disk warning: 1 takes 1\.\d MB of 1\.0 MB in .*, kept for 1 hour$/),
    'damaged logs warning: 1 cannot be read, and stays until somebody removes it: line-3~push~half',
  ]);
});

describe.skipIf(await whyNoPostgres())('[O2] with a database', () => {
  const postgres = postgresOfTests();

  it('says what they take there, and which are still in the folder only', async () => {
    const url = await postgres().database();
    const lookThere = async () =>
      (
        await checkRuns(
          { dataDir, database: { url, poolSize: 2 }, runs: { keepFor: undefined, disk: 10e9 } },
          clock,
        )
      ).map(({ title, status, detail, fix }) =>
        `${title} ${status}: ${detail}${fix ? ` → ${fix}` : ''}`.replaceAll(dataDir, '<dataDir>'),
      );
    // Its tables come with the first start.
    expect(await lookThere()).toEqual(['disk ok: there are none in the database']);
    await migrate({ url });
    const { runLogs, close } = openPostgresRunLogs({ url, clock });
    await runLogs.create('line-3~push~bert');
    await runLogs.append('line-3~push~bert', 0, Buffer.alloc(1_000_000, 'epoch\n'));
    await keep('line-3~push~bert');
    const there = expect.stringMatching(
      /^disk ok: 1 takes 1\.\d MB of 10\.0 GB in the database, kept for ever$/,
    );
    expect(await lookThere()).toEqual([there]);
    await keep('line-3~push~old');
    expect(await lookThere()).toEqual([
      there,
      expect.stringMatching(
        /^logs in the folder warning: 1 of before the database is in <dataDir>\/runs only, .*: line-3~push~old → Stop the bot on that folder and run `signalbox migrate --from <dataDir>`/,
      ),
    ]);
    await close();
  });
});
