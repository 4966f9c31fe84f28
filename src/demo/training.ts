/** What the demo trains for real: two small programs in this folder, and the runner.yaml that starts them. */
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

/** Run from its sources the program takes them from here; built, they are beside it. */
const FOLDER = fileURLToPath(
  new URL(import.meta.filename.endsWith('.ts') ? './training/' : '../demo-training/', import.meta.url),
);

/**
 * @param cwd where they run, and leave their models
 * @param port of the runner; 0: any free one
 */
export function trainingConfig(cwd: string, port = 0): string {
  const program = (name: string): string[] => [process.execPath, `${FOLDER}${name}.mjs`];
  const config = {
    listen: `127.0.0.1:${port}`,
    // Of this machine alone; the templates are all that can be started.
    withoutToken: true,
    grace: '2s',
    limits: { runs: 4, bytesPerRun: '16MB', disk: '1GB' },
    templates: {
      'weld-anomaly': {
        description: 'Tells good weld seams from bad ones; some minutes, and the loss falls',
        command: [...program('weld-anomaly'), '--epochs', '{epochs}', '--lr', '{lr}', '--seed', '{seed}'],
        cwd,
        parameters: {
          epochs: { type: 'integer', min: 1, max: 500, default: 50 },
          lr: { type: 'number', min: 0.00001, max: 1, default: 0.003 },
          seed: { type: 'integer', min: 0, max: 1_000_000, default: 7 },
        },
      },
      'press-forces': {
        description: 'Fits the force of a press; fails after a minute, since its learning rate has no limit',
        command: [...program('press-forces'), '--seed', '{seed}'],
        cwd,
        parameters: { seed: { type: 'integer', min: 0, max: 1_000_000, default: 11 } },
      },
    },
  };
  return `# Written by the demo at each start.\n${stringify(config)}`;
}

/** Started with the demo; in Slack under these names with the time behind them. */
export const TRAININGS = ['weld-anomaly', 'press-forces'] as const;

/** `weld-anomaly-20260131-093005` */
export function trainingName(template: string, now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${template}-${time}`;
}
