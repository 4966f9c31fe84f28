/** The demo's trainings are real programs: one learns, one diverges. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadRunnerConfig } from '../../src/config/runner.ts';
import { TRAININGS, trainingConfig, trainingName } from '../../src/demo/training.ts';
import { guidanceForTraining } from '../../src/domain/failure-guidance.ts';
import { fillCommand, runParameters } from '../../src/domain/run-templates.ts';
import { testFolder } from '../fixtures/test-folder.ts';

let folder: string;
beforeEach(() => {
  folder = testFolder('training');
});

/** As the runner starts it, without the pauses between its steps. */
async function trained(name: string, parameters: object = {}) {
  await writeFile(join(folder, 'runner.yaml'), trainingConfig(folder));
  const { templates } = loadRunnerConfig({ env: {}, cwd: folder });
  const template = templates.find((one) => one.name === name)!;
  const [program, ...args] = fillCommand(template, runParameters(template, { ...parameters }));
  const run = promisify(execFile)(program, [...args, '--pace', '0'], { cwd: template.cwd });
  return await run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe('the demo’s trainings', () => {
  it('learn: the loss falls, and the best model is kept', async () => {
    const { code, stdout } = await trained('weld-anomaly', { epochs: 12 });
    expect(code).toBe(0);
    const losses = [...stdout.matchAll(/val_loss=([\d.]+) val_acc=([\d.]+)%/g)];
    expect(losses).toHaveLength(12);
    expect(Number(losses[0]![1])).toBeGreaterThan(0.5);
    expect(Number(losses.at(-1)![1])).toBeLessThan(0.3);
    expect(Number(losses.at(-1)![2])).toBeGreaterThan(85);
    // A bar as terminals have it: one line, written over.
    expect(stdout.replaceAll('\u001b', '␛')).toMatch(
      /\rEpoch {2}1\/12: +2%\|␛\[32m[█▏▎▍▌▋▊▉ ]{20}␛\[0m\| 1\/50 \[\d\d:\d\d<\d\d:\d\d, /,
    );
    const model = JSON.parse(await readFile(join(folder, 'weld-anomaly.json'), 'utf8'));
    expect(model.layers[0].weights).toHaveLength(6 * 32);
  });

  it('with another seed are others, with the same one the same', async () => {
    const losses = async (seed: number): Promise<string[]> =>
      (await trained('weld-anomaly', { epochs: 1, seed })).stdout.match(/val_loss=[\d.]+/g)!;
    expect(await losses(3)).toEqual(await losses(3));
    expect(await losses(3)).not.toEqual(await losses(4));
  });

  it('diverge after hundreds of steps, with an error that Signalbox can explain', async () => {
    const { code, stdout, stderr } = await trained('press-forces');
    expect(code).toBe(1);
    expect(stdout).toMatch(/warning: the loss rises/);
    // The last bar's line ends before the error begins.
    expect(stdout).toMatch(/loss=Infinity, .*\n$/);
    const [, epoch, step] = /^Error: Loss is Infinity in epoch (\d+), step (\d+) /m.exec(stderr)!;
    const steps = (Number(epoch) - 1) * 40 + Number(step);
    // About a minute, with 90 ms for each.
    expect(steps).toBeGreaterThan(400);
    expect(steps).toBeLessThan(900);
    expect(guidanceForTraining({ state: 'failed', failureReason: stderr })?.cause).toBe(
      'The training diverged: a loss or gradient became NaN or infinite.',
    );
  });

  it('have names that jobs can have, and no two the same', () => {
    const names = TRAININGS.map((one) => trainingName(one, Date.UTC(2026, 0, 31, 9, 30, 5)));
    expect(names).toEqual(['weld-anomaly-20260131-093005', 'press-forces-20260131-093005']);
  });
});
