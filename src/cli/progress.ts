/** Download progress: a bar if standard error is a terminal, otherwise a line now and then. */

import type cliProgress from 'cli-progress';
import { grouped } from '../ground/numbers.ts';
import type { LogProgress } from '../logs/index.ts';
import { type CliIo, line } from './io.ts';

export interface ProgressDisplay {
  update(progress: LogProgress): void;
  /** Ends the progress line; safe to call twice. */
  stop(): void;
}

/** Milliseconds between lines without a terminal. */
const LINE_EVERY_MS = 5_000;
/** The bar counts in these, since it needs whole numbers. */
const STEPS = 1_000;

export async function showProgress(io: Pick<CliIo, 'stderr'>, job: string): Promise<ProgressDisplay> {
  if (!io.stderr.isTTY) return lines(io, job);
  return bar(io, job, (await import('cli-progress')).default);
}

function bar(
  { stderr }: Pick<CliIo, 'stderr'>,
  job: string,
  { Format, Presets, SingleBar }: typeof cliProgress,
): ProgressDisplay {
  const display = new SingleBar(
    {
      stream: stderr,
      clearOnComplete: true,
      hideCursor: true,
      format: (options, params, payload: { words?: string }) =>
        `${job} ${Format.BarFormat(params.progress, options)} ${payload.words ?? ''}`,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  let running = false;
  return {
    update(progress) {
      if (!running) display.start(STEPS, 0, { words: words(progress) });
      running = true;
      display.update(Math.floor(progress.fraction * STEPS), { words: words(progress) });
    },
    stop() {
      if (running) display.stop();
      running = false;
    },
  };
}

function lines({ stderr }: Pick<CliIo, 'stderr'>, job: string): ProgressDisplay {
  let last = Date.now();
  return {
    update(progress) {
      if (Date.now() - last < LINE_EVERY_MS) return;
      last = Date.now();
      line(stderr, `${job}: ${words(progress)}`);
    },
    stop() {},
  };
}

function words({ phase, events, textBytes, fraction, throttled }: LogProgress): string {
  if (phase === 'listing') return 'looking for its streams';
  const percent = `${Math.floor(fraction * 100)} %`;
  const amount = `${grouped(events)} events, ${(textBytes / 1e6).toFixed(1)} MB`;
  const doing =
    phase === 'writing' ? 'writing the file' : throttled ? 'still fetching: AWS limits requests' : '';
  return [percent, amount, doing].filter((part) => part !== '').join(', ');
}
