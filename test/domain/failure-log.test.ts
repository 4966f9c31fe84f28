import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { guidanceForTraining } from '../../src/domain/failure-guidance.ts';

const printed = (name: string): string =>
  readFileSync(new URL(`../fixtures/trainer-logs/${name}.txt`, import.meta.url), 'utf8');

/** As SageMaker reports it: its toolkit ends with 1, whatever its child did. */
const REASON =
  'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "torchrun", exit code: 1';

const explain = (log: string) =>
  guidanceForTraining({ state: 'failed', failureReason: REASON, logEnd: log })!;

interface Case {
  log: string;
  id: string;
  exception?: string;
  cause?: string;
  rank?: number;
  exitCode?: number;
}

const VALUE = 'ValueError: num_samples should be a positive integer value, but got num_samples=0';

describe('[C7] what trainers really print', () => {
  const cases: Case[] = [
    { log: 'torchrun-raise', id: 'training-script', exception: VALUE, rank: 1 },
    { log: 'torchrun-both', id: 'training-script', exception: VALUE },
    { log: 'torchrun-record', id: 'training-script', exception: 'ValueError: no samples' },
    { log: 'torchrun-kill', id: 'training-host-memory', rank: 1, exitCode: 137 },
    { log: 'torchrun-segv', id: 'training-segmentation-fault', rank: 1, exitCode: 139 },
    // torchrun calls the one that only lost its peer the root cause.
    { log: 'torchrun-peer', id: 'training-host-memory', rank: 1, exitCode: 137 },
    { log: 'torchrun-hang', id: 'training-peer-hung' },
    { log: 'mpirun-raise', id: 'training-script', exception: VALUE, rank: 1 },
    { log: 'mpirun-kill', id: 'training-host-memory', rank: 1, exitCode: 137 },
    { log: 'mpirun-tagged-raise', id: 'training-script', exception: VALUE, rank: 1 },
    { log: 'mpirun-tagged-both', id: 'training-script', exception: VALUE, rank: 0 },
    { log: 'exception-group', id: 'training-script', exception: 'ValueError: shard 0 is empty' },
    {
      log: 'exception-group-chained',
      id: 'training-script',
      exception: 'ValueError: a',
      cause: "KeyError: 'weld'",
    },
    {
      log: 'chained',
      id: 'training-script',
      exception: 'SystemError: training aborted',
      cause: "KeyError: 'weld-spatter'",
    },
    { log: 'rich', id: 'training-script', exception: 'ValueError: expected 3 channels, got 4' },
    {
      log: 'rich-chained',
      id: 'training-script',
      exception: 'ValueError: expected 3 channels, got 4',
      cause: "KeyError: 'weld'",
    },
    { log: 'note', id: 'training-script', exception: 'ValueError: first line' },
    { log: 'syntax-error', id: 'training-script', exception: 'SyntaxError: invalid syntax' },
    { log: 'loguru', id: 'training-script', exception: "KeyError: 'weld'" },
    { log: 'process-pool', id: 'training-script', exception: 'ValueError: bad shard' },
    { log: 'process-pool-killed', id: 'training-host-memory' },
    { log: 'joblib-killed', id: 'training-host-memory', exitCode: 137 },
    { log: 'spawn-kill', id: 'training-host-memory', exitCode: 137 },
    { log: 'spawn-raise', id: 'training-script', exception: 'ValueError: rank one is empty' },
    {
      log: 'faulthandler',
      id: 'training-segmentation-fault',
      exception: 'Fatal Python error: Segmentation fault',
    },
    { log: 'numpy-memory', id: 'training-host-memory' },
    { log: 'torch-memory', id: 'training-host-memory' },
    { log: 'sklearn-nan', id: 'training-data-nan', exception: 'ValueError: Input X contains NaN.' },
    { log: 'nan-gradient', id: 'training-nan' },
    { log: 'no-cuda', id: 'training-gpu-missing' },
    { log: 'module-missing', id: 'training-module-missing' },
    { log: 'data-loader-raise', id: 'training-script', exception: 'ValueError: image 3 is broken' },
    { log: 'data-loader-kill', id: 'training-host-memory' },
    { log: 'data-loader-bus', id: 'training-shared-memory' },
    { log: 'data-loader-segv', id: 'training-segmentation-fault' },
  ];

  it.each(cases)('$log: $id', ({ log, id, exception, cause, rank, exitCode }) => {
    const guidance = explain(printed(log));
    expect(guidance.id).toBe(id);
    if (exception !== undefined) expect(guidance.traceback?.exception).toBe(exception);
    if (cause !== undefined) expect(guidance.traceback?.cause).toBe(cause);
    if (rank !== undefined) expect(guidance.rank).toBe(rank);
    if (exitCode !== undefined) expect(guidance.exitCode).toBe(exitCode);
  });

  it('names the rank that failed first, and its signal', () => {
    expect(explain(printed('torchrun-peer')).cause).toMatch(
      /is killed\. Rank 1 failed first \(signal 9\)\.$/,
    );
    expect(explain(printed('torchrun-raise')).cause).toBe(
      'The training script raised an error. Rank 1 failed first.',
    );
    expect(explain(printed('chained')).cause).toBe('The training script raised an error.');
  });

  it('does not say of who waited in vain that it failed first', () => {
    const timeout =
      '[rank2]:[E626 06:24:44.9 ProcessGroupNCCL.cpp:616] [Rank 2] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=8) ran for 600020 milliseconds before timing out.';
    const { id, cause } = guidanceForTraining({
      state: 'failed',
      failureReason: 'AlgorithmError: Exit Code: 1',
      logEnd: `${timeout}\n  rank      : 2 (local_rank: 2)\n  exitcode  : -6 (pid: 42)\n`,
    })!;
    expect(id).toBe('training-peer-hung');
    expect(cause).toMatch(/ Rank 2 reported it\.$/);
  });

  it('names the module that is missing', () => {
    expect(explain(printed('module-missing')).cause).toBe('The training image lacks peft.');
  });

  it('shows the script’s error and nothing of the launcher’s', () => {
    for (const log of ['torchrun-raise', 'torchrun-record', 'mpirun-tagged-raise']) {
      const { traceback } = explain(printed(log));
      expect(traceback?.text, log).toMatch(
        /^Traceback \(most recent call last\):\n {2}File "\/opt\/ml\/code\//,
      );
      expect(traceback?.text, log).not.toMatch(/ChildFailedError|<stderr>|mpirun|elastic_launch/);
    }
  });

  it('shows which rank was killed, without the launcher’s traceback', () => {
    const { told, traceback } = explain(printed('torchrun-kill'));
    expect(traceback).toBeUndefined();
    const shown = told!.lastLines.join('\n');
    expect(shown).toContain('Signal 9 (SIGKILL)');
    expect(shown).not.toMatch(/elastic_launch|most recent call last/);
  });

  it('shows a chain with its first cause, and boxes without their frames', () => {
    expect(explain(printed('chained')).traceback?.text).toMatch(
      /KeyError: 'weld-spatter'[\s\S]*SystemError: training aborted$/,
    );
    const { text } = explain(printed('rich')).traceback!;
    expect(text).not.toMatch(/[╭╰]/);
    expect(text).toContain('raise ValueError("expected 3 channels, got 4")');
  });

  it('keeps the lines of a message that follow', () => {
    expect(explain(printed('note')).traceback?.text).toMatch(/image 77 is RGBA$/);
    expect(explain(printed('exception-group-chained')).traceback?.text).toContain(
      'TypeError: b\nsecond line',
    );
  });
});
