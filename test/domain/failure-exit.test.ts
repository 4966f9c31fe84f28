import { describe, expect, it } from 'vitest';
import { codesIn, exitCodeOfReason, isCrash, processEnds } from '../../src/domain/failure-exit.ts';

describe('how a process ended', () => {
  it.each([
    ['AlgorithmError: Exit Code: 137', 137],
    ['AlgorithmError: , exit code: 1', 1],
    ['ExitCode 1', 1],
    ['process exited with code 139', 139],
    ['exitcode  : -9 (pid: 42)', 137],
    ['sagemaker-training-toolkit ERROR    Encountered exit_code 1', 1],
    ["subprocess.CalledProcessError: Command '['python']' returned non-zero exit status 3.", 3],
    ["subprocess.CalledProcessError: Command '['python']' died with <Signals.SIGKILL: 9>.", 137],
    ['mpirun noticed that process rank 1 with PID 0 on node algo-1 exited on signal 9 (Killed).', 137],
    ['torch.multiprocessing.spawn.ProcessExitedException: process 1 terminated with signal SIGKILL', 137],
    ['The exit codes of the workers are {SIGKILL(-9)}', 137],
    ["[INFO] [launch.py:321:sigkill_handler] ['python', 'train.py'] exits with return code = -9", 137],
    ['AlgorithmError: , exit code: 247', 137],
  ])('reads %s', (text, code) => {
    expect(codesIn(text)[0]).toBe(code);
    expect(exitCodeOfReason(text)).toBe(code);
  });

  it('takes the inner code of a reason, not the one that its toolkit ended with', () => {
    expect(exitCodeOfReason('ExecuteUserScriptError:\nExitCode -9\nErrorMessage ""\n, exit code: 1')).toBe(
      137,
    );
    expect(exitCodeOfReason('ExecuteUserScriptError:\nExitCode -11\nErrorMessage ""\n, exit code: 1')).toBe(
      139,
    );
    expect(exitCodeOfReason('ExecuteUserScriptError:\nExitCode 137\nErrorMessage ""\n, exit code: 1')).toBe(
      137,
    );
    expect(exitCodeOfReason('ExitCode 1\nErrorMessage ""\n, exit code: 1')).toBe(1);
    expect(exitCodeOfReason('no code at all')).toBeUndefined();
    expect(exitCodeOfReason('exit code 200 is one of a script')).toBe(200);
    expect(exitCodeOfReason('exit code: 255')).toBe(255);
  });

  it('tells crashes from what somebody stopped', () => {
    expect([137, 139, 134, 132, 135].every(isCrash)).toBe(true);
    expect([undefined, 0, 1, 2, 127, 130, 143, 255].some(isCrash)).toBe(false);
  });

  it('finds the ranks in the reports of torchrun 1.13 and mpirun 4.1', () => {
    const torchrun = [
      'ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: 1) local_rank: 0 (pid: 15559) of binary: /usr/bin/python3',
      'Failures:',
      '[1]:',
      '  time      : 2026-11-28_23:48:54',
      '  host      : localhost',
      '  rank      : 1 (local_rank: 1)',
      '  exitcode  : -9 (pid: 15560)',
      '  error_file: <N/A>',
      '  traceback : Signal 9 (SIGKILL) received by PID 15560',
    ];
    expect(processEnds(torchrun)).toEqual([
      { code: 1, line: 0 },
      { code: 137, rank: 1, line: 6 },
      { code: 137, line: 8 },
    ]);
    const mpirun = ['  Process name: [[23341,1],3]', '  Exit code:    2'];
    expect(processEnds(mpirun)).toEqual([{ code: 2, rank: 3, line: 1 }]);
  });

  it('knows what a shell and the kernel say', () => {
    expect(processEnds(['Killed'])[0]?.code).toBe(137);
    expect(processEnds(['bash: line 1: 14663 Killed                  python train.py'])[0]?.code).toBe(137);
    expect(processEnds(['Segmentation fault (core dumped)'])[0]?.code).toBe(139);
    expect(processEnds(['Out of memory: Killed process 4021 (python)'])[0]?.code).toBe(137);
    expect(processEnds(['Killed 3 stale workers before the start'])).toEqual([]);
  });
});
