/** The runner of the demo, in its process; the runs have processes of their own and end with the demo. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRunnerConfig } from '../config/runner.ts';
import { TRAININGS, trainingConfig, trainingName } from '../demo/training.ts';
import { createLogger } from '../logger.ts';
import { type CliIo, line } from './io.ts';
import { openRunner } from './runner.ts';

export interface DemoRunner {
  /** Starts the demo's trainings. */
  begin(): Promise<void>;
  stop(): Promise<void>;
}

/** Number of runs kept from earlier demos in the same folder. */
const KEPT = 20;
/** Milliseconds: a run's grace, and the time its log takes to end. */
const END_WITHIN = 5_000;

export async function startDemoRunner(
  { dataDir, port }: { dataDir: string; port: number },
  io: Pick<CliIo, 'stderr'>,
): Promise<DemoRunner> {
  const folder = join(dataDir, 'runner');
  const cwd = join(folder, 'training');
  await mkdir(cwd, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'runner.yaml'), trainingConfig(cwd, port));
  const config = loadRunnerConfig({ env: {}, cwd: folder });
  const logger = createLogger({ level: 'warn', destination: io.stderr });
  const { runner, close } = await openRunner(config, logger);
  return {
    async begin() {
      const now = Date.now();
      const earlier = (await runner.list()).filter(({ end }) => end !== undefined);
      for (const { id } of earlier.slice(KEPT)) await runner.remove(id);
      for (const template of TRAININGS) {
        await runner.start({ template, name: trainingName(template, now), parameters: {} });
      }
    },
    async stop() {
      const going = (await runner.list()).filter(({ end }) => end === undefined);
      await Promise.all(going.map(({ id }) => runner.cancel(id)));
      const late = AbortSignal.timeout(END_WITHIN);
      await Promise.all(going.map(({ id }) => runner.ended(id, late))).catch(() =>
        line(io.stderr, 'runner: a training did not end in time; it ends by itself.'),
      );
      await close();
    },
  };
}
