/** Compilation attempts for the benchmarks of stores. */
import { applyObservation, type CompilationAttempt, newAttempt } from '../src/domain/compilations.ts';

/** About 1.5 kB of JSON with its history, like a real one. */
export function attempt(id: string, number: number): CompilationAttempt {
  return newAttempt({
    id,
    useCase: 'line-3',
    job: `train-resnet-${Math.floor(number / 4)}`,
    target: ['jetson-xavier', 'x86_64-cpu', 'arm64-cpu', 'jetson-xavier-jp5'][number % 4]!,
    compilationJob: `train-resnet-${number}-jetson-xavier-${id}`,
    startedBy: { team: 'T0LINE', user: 'U0ADA' },
    why: 'manual',
    askedAt: 1_763_715_000_000 + number,
    limitSeconds: 900,
    input: {
      framework: 'PYTORCH',
      frameworkVersion: '1.13',
      dataInputConfig: '{"input":[1,3,224,224]}',
      sources: { framework: 'tag', frameworkVersion: 'use case', dataInputConfig: 'use case' },
    },
  });
}

export function completed(one: CompilationAttempt): CompilationAttempt {
  const at = one.askedAt;
  return ['STARTING', 'INPROGRESS', 'COMPLETED'].reduce(
    (seen, status, step) =>
      applyObservation(seen, {
        kind: 'status',
        at: at + step,
        status,
        artifact: `s3://line-3-models/compiled/${one.compilationJob}-LINUX_ARM64_NVIDIA.tar.gz`,
        startedAt: at,
        endedAt: at + 900_000,
      }),
    one,
  );
}
