/** Writes a training log down, line by line, as the clock of that run goes. */

import { type Random, randomFrom } from '../random.ts';
import type { EpochMs } from '../time.ts';
import { type EventSeries, writtenSeries } from './event-series.ts';

export class LogScript {
  readonly events: { at: EpochMs; message: string }[] = [];
  readonly random: Random;
  at: EpochMs;

  constructor(start: EpochMs, seed: number) {
    this.at = start;
    this.random = randomFrom(seed);
  }

  /** One event, `after` milliseconds later than the one before. */
  say(message: string, after = 0): void {
    this.at += after;
    this.events.push({ at: this.at, message });
  }

  /** Each line an event, in the same millisecond, as the agent ships what was printed at once. */
  lines(text: string, after = 0): void {
    this.at += after;
    for (const line of text.split('\n')) if (line !== '') this.events.push({ at: this.at, message: line });
  }

  /** A line with the container's own time before it. */
  log(source: string, level: string, text: string, after = 0): void {
    this.at += after;
    const stamp = new Date(this.at).toISOString().replace('T', ' ').replace('.', ',').slice(0, 23);
    this.say(`${stamp} ${source} ${level.padEnd(8)} ${text}`);
  }

  /** A number near `value`, give or take `spread` (0.05: five percent). */
  near(value: number, spread: number): number {
    return value * (1 + (this.random() * 2 - 1) * spread);
  }

  /** Milliseconds somewhere between the two. */
  between(low: number, high: number): number {
    return Math.round(low + this.random() * (high - low));
  }
}

/** The script's log as a stream; it is written at its first read. */
export function scripted(start: EpochMs, seed: number, write: (script: LogScript) => void): EventSeries {
  return writtenSeries(() => {
    const script = new LogScript(start, seed);
    write(script);
    return script.events;
  });
}

export interface ContainerFacts {
  job: string;
  host: number;
  hosts: number;
  instance: string;
  framework: string;
  command: string;
  hyperParameters: Readonly<Record<string, string>>;
  bucket: string;
}

const TOOLKIT = 'sagemaker-training-toolkit';

/** What SageMaker's container prints before the user's script has a word. */
export function openContainer(script: LogScript, facts: ContainerFacts): void {
  const hosts = Array.from({ length: facts.hosts }, (_, host) => `algo-${host + 1}`);
  script.lines(
    'bash: cannot set terminal process group (-1): Inappropriate ioctl for device\nbash: no job control in this shell',
  );
  script.log(TOOLKIT, 'INFO', `Imported framework sagemaker_${facts.framework}_container.training`, 2100);
  script.log(TOOLKIT, 'INFO', 'Block until all host DNS lookups succeed.', 40);
  script.log(
    `sagemaker_${facts.framework}_container.training`,
    'INFO',
    'Invoking user training script.',
    900,
  );
  script.log(TOOLKIT, 'INFO', 'Installing dependencies from requirements.txt', 300);
  script.say('Collecting albumentations==1.4.18 (from -r requirements.txt (line 1))', 1400);
  script.say('Collecting timm==1.0.11 (from -r requirements.txt (line 2))', 600);
  script.say('Successfully installed albumentations-1.4.18 timm-1.0.11', 5200);
  script.log(TOOLKIT, 'INFO', 'Invoking user script', 200);
  script.say('Training Env:');
  script.lines(
    JSON.stringify(
      {
        channel_input_dirs: {
          train: '/opt/ml/input/data/train',
          validation: '/opt/ml/input/data/validation',
        },
        current_host: hosts[facts.host],
        current_instance_type: facts.instance,
        hosts,
        hyperparameters: facts.hyperParameters,
        job_name: facts.job,
        model_dir: '/opt/ml/model',
        module_dir: `s3://${facts.bucket}/${facts.job}/source/sourcedir.tar.gz`,
        network_interface_name: 'eth0',
      },
      null,
      4,
    ),
  );
  script.say('Environment variables:', 5);
  for (const [name, value] of Object.entries(facts.hyperParameters)) {
    script.say(`SM_HP_${name.toUpperCase().replaceAll('-', '_')}=${value}`);
  }
  script.say(`SM_HOSTS=${JSON.stringify(hosts)}`);
  script.say('Invoking script with the following command:', 10);
  script.say(facts.command);
}

export function closeContainer(script: LogScript): void {
  script.log(TOOLKIT, 'INFO', 'Reporting training SUCCESS', 1200);
}
