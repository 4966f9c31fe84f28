import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guidanceForTraining } from '../../src/domain/failure-guidance.ts';

const REASON = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\n, exit code: 1';
const explain = (logEnd: string) => guidanceForTraining({ state: 'failed', failureReason: REASON, logEnd })!;

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const chatter = fc.array(
  fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' ')),
  { maxLength: 12 },
);
const errorName = fc.constantFrom('ValueError', 'KeyError', 'acme.data.ShardError', 'RuntimeError');
/** What one process prints: chatter, then a traceback. */
const failing = fc.record({
  before: chatter,
  frames: fc.array(fc.tuple(word, fc.nat(999), word), { minLength: 1, maxLength: 6 }),
  exception: fc.tuple(errorName, word).map(([name, what]) => `${name}: ${what} is empty`),
});
type Failing = { before: string[]; frames: [string, number, string][]; exception: string };
const printed = ({ before, frames, exception }: Failing): string[] => [
  ...before,
  'Traceback (most recent call last):',
  ...frames.flatMap(([file, line, code]) => [
    `  File "/opt/ml/code/${file}.py", line ${line}, in main`,
    `    ${code}()`,
  ]),
  exception,
];
const prefixes = fc.constantFrom<(rank: number) => string>(
  (rank) => `[rank${rank}]: `,
  (rank) => `[default${rank}]:`,
  (rank) => `[1,${rank}]<stderr>:`,
  (rank) => `[1,mpirank:${rank},algo-1]<stderr>:`,
  (rank) => `(RayTrainWorker pid=40${rank}, ip=10.0.0.${rank}) `,
);
/** Any order in which each process's own lines keep theirs. */
function mixed(outputs: readonly (readonly string[])[], turns: readonly number[]): string[] {
  const left = outputs.map((lines) => [...lines]);
  const log: string[] = [];
  for (let at = 0; left.some((lines) => lines.length > 0); at += 1) {
    const busy = left.filter((lines) => lines.length > 0);
    log.push(busy[(turns[at % turns.length] ?? 0) % busy.length]!.shift()!);
  }
  return log;
}

const LAUNCHER = [
  'WARNING:torch.distributed.elastic.multiprocessing.api:Sending process 41 closing signal SIGTERM',
  'ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: 1) local_rank: 0 (pid: 42) of binary: python',
  'Traceback (most recent call last):',
  '  File "/opt/conda/bin/torchrun", line 8, in <module>',
  '    sys.exit(main())',
  'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ',
  '============================================================',
];

describe('[C7] the error of a script, whatever is printed around it', () => {
  it('is the same however the ranks print into one another', () => {
    fc.assert(
      fc.property(
        failing,
        chatter,
        prefixes,
        fc.array(fc.nat(7), { minLength: 1, maxLength: 40 }),
        (broken, quiet, prefix, turns) => {
          const log = mixed(
            [printed(broken).map((line) => prefix(1) + line), quiet.map((line) => prefix(0) + line)],
            turns,
          );
          const alone = explain(printed(broken).join('\n'));
          expect(explain(log.join('\n')).traceback).toEqual(alone.traceback);
          expect(alone.traceback?.exception).toBe(broken.exception);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is the same with what its launcher and toolkit print after it', () => {
    fc.assert(
      fc.property(failing, (broken) => {
        const { traceback } = explain([...printed(broken), ...LAUNCHER].join('\n'));
        expect(traceback).toEqual(explain(printed(broken).join('\n')).traceback);
      }),
      { numRuns: 200 },
    );
  });

  it('is that of the machine that failed first, in whatever order they are read', () => {
    fc.assert(
      fc.property(fc.array(failing, { minLength: 2, maxLength: 6 }), fc.nat(100_000), (machines, seed) => {
        const ends = machines.map((broken, index) => {
          const lines = printed(broken);
          return {
            stream: `algo-${index + 1}`,
            text: lines.join('\n'),
            times: lines.map(() => 1000 + ((index * 7919 + seed) % 104_729)),
          };
        });
        const first = [...ends].sort((a, b) => a.times[0]! - b.times[0]!)[0]!;
        for (const order of [ends, [...ends].reverse()]) {
          const told = guidanceForTraining({ state: 'failed', failureReason: REASON, logEnds: order })!;
          expect(told.told?.stream).toBe(first.stream);
        }
      }),
      { numRuns: 200 },
    );
  });
});

const PIECES = [
  'Traceback (most recent call last):',
  '  + Exception Group Traceback (most recent call last):',
  '╭── Traceback (most recent call last) ──╮',
  '│ 3 │ x │',
  '╰──────╯',
  '  File "a.py", line 1',
  '  | ValueError: a',
  '  +-+---------------- 1 ----------------',
  'ValueError: a',
  'The above exception was the direct cause of the following exception:',
  'During handling of the above exception, another exception occurred:',
  '-- Process 1 terminated with the following error:',
  '[rank1]: Traceback (most recent call last):',
  '[1,1]<stderr>:',
  'SyntaxError: invalid syntax',
  'Fatal Python error: Aborted',
  "terminate called after throwing an instance of 'std::runtime_error'",
  '  what():  CUDA error: out of memory',
  '  exitcode  : -9 (pid: 1)',
  '  rank      : 1 (local_rank: 1)',
  'Killed',
  '"""',
  '',
  '\r',
  '\0Traceback (most recent call last):',
];

describe('[C7] a log of any kind', () => {
  it('is explained with a cause and a fix, and an error that one message can show', () => {
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...PIECES) },
      fc.string({ maxLength: 60, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 120 }), fc.constantFrom(1, 40), (lines, times) => {
        const guidance = explain(Array.from({ length: times }, () => lines.join('\n')).join('\n'));
        expect(guidance.cause.length).toBeGreaterThan(10);
        expect(guidance.fix.length).toBeGreaterThan(10);
        expect(guidance.traceback?.text.split('\n').length ?? 0).toBeLessThanOrEqual(82);
        expect(guidance.told?.lastLines.length ?? 0).toBeLessThanOrEqual(30);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['one line of a megabyte', 'x'.repeat(1_000_000)],
    ['headers without an end', 'Traceback (most recent call last):'.repeat(30_000)],
    ['a header in each line', 'Traceback (most recent call last):\n'.repeat(30_000)],
    [
      'a group in each line',
      '  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: x (2 sub-exceptions)\n'.repeat(
        10_000,
      ),
    ],
    [
      'a chain without an end',
      'Traceback (most recent call last):\n  File "a"\nE: x\n\nThe above exception was the direct cause of the following exception:\n\n'.repeat(
        5_000,
      ),
    ],
    ['boxes without a bottom', '╭─── Traceback (most recent call last) ───╮\n│ x │\n'.repeat(10_000)],
    [
      'a prefix of its own in each line',
      Array.from({ length: 5_000 }, (_, at) => `p${at} Traceback (most recent call last):`).join('\n'),
    ],
    ['nothing but line ends', '\n'.repeat(1_000_000)],
    ['nothing but carriage returns', '\r'.repeat(1_000_000)],
    ['nothing but escapes', '\u001b['.repeat(500_000)],
  ])('is kept within bounds: %s', (_, log) => {
    const { traceback, told } = explain(log);
    expect(traceback?.text.length ?? 0).toBeLessThan(40_000);
    expect((told?.lastLines ?? []).join('\n').length).toBeLessThan(16_000);
  });
});
