/** What a compilation prints: the compiler's own stream, and the one that tells what was found in the model. */
import type { EpochMs } from '../time.ts';
import { type CompilationRequest, outputUri, targetName, type Verdict } from './compile-verdict.ts';
import { type EventSeries, writtenSeries } from './event-series.ts';

interface LogLine {
  at: EpochMs;
  message: string;
}

/** How many kernels are tuned, one line each: enough to watch a running compilation. */
const KERNELS = 40;

/** From the moment it runs to its end, some of it in the future: written as the clock reaches it. */
export function compileLog(
  request: CompilationRequest,
  verdict: Verdict,
  start: EpochMs,
  end: EpochMs,
): EventSeries {
  return writtenSeries(() => lines(request, verdict, start, end));
}

export function modelInfoLog(
  request: CompilationRequest,
  verdict: Verdict,
  start: EpochMs,
  end: EpochMs,
): EventSeries {
  return writtenSeries(() => {
    const at = spread(start, start + (end - start) * 0.15, 4);
    const { card } = verdict;
    return [
      { at: at(0), message: `INFO Extracting model information: ${request.s3Uri}` },
      {
        at: at(1),
        message: `INFO Framework: ${request.framework} ${request.frameworkVersion ?? ''}`.trimEnd(),
      },
      {
        at: at(2),
        message: card
          ? `INFO Model inputs: ${JSON.stringify(card.inputs)}`
          : 'WARNING Model inputs could not be read from the file',
      },
      {
        at: at(3),
        message: card
          ? `INFO ${card.operators.length} distinct operators: ${[...card.operators].sort().join(' ')}`
          : 'INFO No operator list',
      },
    ];
  });
}

function lines(request: CompilationRequest, verdict: Verdict, start: EpochMs, end: EpochMs): LogLine[] {
  const { s3Uri, framework, frameworkVersion, dataInputConfig, compilerOptions } = request;
  const script = [
    `INFO neo: compilation of ${request.name} for ${targetName(request)}`,
    `INFO neo: framework ${framework} ${frameworkVersion ?? '(default version)'}`,
    `INFO neo: DataInputConfig ${dataInputConfig ?? '(to be derived)'}`,
    `INFO neo: CompilerOptions ${compilerOptions ?? '(none)'}`,
    `INFO neo: downloading ${s3Uri}`,
    ...(verdict.compiles
      ? verdict.files.map(({ name, size }) => `INFO neo: found ${name} (${size} bytes)`)
      : []),
    `INFO frontend: loading the ${framework} model`,
  ];
  const card = verdict.card;
  if (card)
    script.push(`INFO frontend: ${card.name}, exported with ${card.frameworkVersion} (${card.exported})`);
  if (verdict.compiles) script.push('INFO relay: graph imported, running optimisation passes');
  const nvidia =
    request.targetPlatform?.Accelerator === 'NVIDIA' || /jetson/.test(request.targetDevice ?? '');
  const tuned = verdict.compiles ? KERNELS : Math.round(KERNELS * Math.max(0, verdict.after - 0.35));
  for (let kernel = 1; kernel <= tuned; kernel++) {
    const gflops = (41 + ((kernel * 7919) % 173) / 2).toFixed(1);
    script.push(
      nvidia
        ? `INFO tensorrt: building engine for subgraph ${kernel}/${KERNELS} (best ${gflops} GFLOPS)`
        : `INFO autotvm: kernel ${kernel}/${KERNELS} best ${gflops} GFLOPS`,
    );
  }
  if (verdict.compiles) {
    script.push(
      'INFO codegen: writing compiled.so, compiled_model.json, compiled.params',
      `INFO neo: uploading ${outputUri(request)}`,
      'INFO neo: compilation succeeded',
    );
  } else {
    script.push(
      ...verdict.reason.split('\n').map((line) => `ERROR ${line}`),
      'ERROR neo: compilation failed',
    );
  }
  const at = spread(start, end - 1, script.length);
  return script.map((message, index) => ({ at: at(index), message }));
}

/** The time of the n-th of `count` lines between two moments. */
const spread = (from: EpochMs, to: EpochMs, count: number) => (index: number) =>
  Math.floor(from + ((Math.max(from, to) - from) * index) / Math.max(1, count - 1));
