import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import { compilationFailure, trainingFailure } from '../../src/operations/explain-failure.ts';
import { observeAttempt } from '../../src/operations/observe-jobs.ts';
import { startCompilations } from '../../src/operations/start-compilations.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from './simulated-account.ts';

let account: SimulatedAccount;
let bot: Background;
beforeEach(() => {
  account = new SimulatedAccount();
  bot = new Background(account);
});

/** Backward pages of so many events, with an empty one in mid-stream. */
function logOf(streams: Record<string, string[]>, pageSize = 40): LogSource {
  return {
    id: 'log',
    listStreams: async () => Object.keys(streams).map((name) => ({ name, shortName: name })),
    readPage: async ({ stream, token, direction }) => {
      expect(direction).toBe('backward');
      const lines = streams[stream]!;
      const end = token === undefined ? lines.length : Math.max(0, Math.floor(Number(token)));
      const empty = token?.endsWith('.5') ?? false;
      const from = empty ? end : Math.max(0, end - pageSize);
      const page = lines.slice(from, end).map((line) => Buffer.from(line));
      let at = 0;
      return {
        count: page.length,
        text: Buffer.concat(page),
        ends: Uint32Array.from(page, ({ length }) => (at += length)),
        times: Float64Array.from(page, (_, index) => from + index),
        nextToken:
          from === 0 && page.length === 0 ? token : empty || token === undefined ? `${from}` : `${from}.5`,
      };
    },
  };
}

const TRACEBACK = [
  'Traceback (most recent call last):',
  '  File "train.py", line 3, in <module>',
  '    load(key="AKIAIOSFODNN7EXAMPLE")',
  'ValueError: no data for AKIAIOSFODNN7EXAMPLE',
];

describe('[C7] why a training failed', () => {
  const fail = () =>
    account.train('train-resnet', {
      status: 'Failed',
      failureReason: 'AlgorithmError: ExecuteUserScriptError, exit code: 1',
    });
  const explain = () => trainingFailure(bot.deps, { actor: ADA, useCase: LINE_3, job: 'train-resnet' });

  it('shows the traceback of the machine that has one, secrets masked', async () => {
    fail();
    const chatter = Array.from({ length: 90 }, (_, n) => `step ${n}`);
    account.log = () =>
      logOf({ 'algo-1': chatter, 'algo-2': [...chatter, ...TRACEBACK, 'cleaning up', 'bye'] });
    const failure = await explain();
    expect(failure.excerpt).toMatchObject({ stream: 'algo-2', kind: 'traceback' });
    expect(failure.excerpt?.text).toContain('ValueError: no data for');
    expect(JSON.stringify(failure)).not.toContain('AKIAIOSFODNN7EXAMPLE');
    expect(failure).toMatchObject({
      guidance: { exitCode: 1, fix: expect.any(String) },
      reason: expect.any(String),
    });
  });

  it('shows what failed first of several machines, not what the others lost with it', async () => {
    fail();
    const raised = (exception: string) => [
      'Traceback (most recent call last):',
      '  File "train.py", line 9, in <module>',
      exception,
    ];
    const earlier = logOf({ 'algo-1': raised('torch.OutOfMemoryError: CUDA out of memory.') });
    const later = logOf({ 'algo-2': raised('RuntimeError: NCCL error: remote process exited') });
    account.log = () => ({
      ...earlier,
      listStreams: async () => ['algo-1', 'algo-2'].map((name) => ({ name, shortName: name })),
      readPage: (request, signal) =>
        (request.stream === 'algo-1' ? earlier : later).readPage(request, signal),
    });
    const failure = await explain();
    expect(failure.guidance?.id).toBe('training-gpu-memory');
    expect(failure.excerpt).toMatchObject({ stream: 'algo-1', kind: 'traceback' });
    expect(failure.excerpt?.text).toMatch(/CUDA out of memory\.$/);
  });

  it('shows the last lines where nothing was raised, and finds the cause in them', async () => {
    fail();
    account.log = () =>
      logOf({
        'algo-1': ['\u001b[32mepoch 1\u001b[0m', '10%\r20%\r30%', 'RuntimeError: CUDA out of memory.'],
      });
    const failure = await explain();
    expect(failure.excerpt).toEqual({
      stream: 'algo-1',
      kind: 'last lines',
      text: 'epoch 1\n30%\nRuntimeError: CUDA out of memory.',
    });
    expect(failure.guidance?.id).toBe('training-gpu-memory');
  });

  it('holds without a log, and says when the log could not be read', async () => {
    fail();
    expect(await explain()).toMatchObject({
      excerpt: undefined,
      logProblem: undefined,
      guidance: { outcome: 'failed' },
    });
    account.log = () => ({
      ...logOf({}),
      listStreams: async () => {
        throw new AppError('permission_denied', 'No right to the log.');
      },
    });
    expect((await explain()).logProblem?.message).toBe('No right to the log.');
  });

  it('explains nothing of one that completed', async () => {
    account.train('train-resnet');
    expect((await explain()).guidance).toBeUndefined();
  });
});

describe('[C7] why a compilation failed', () => {
  const start = async () => {
    account.train('train-resnet');
    const { results } = await startCompilations(bot.deps, {
      actor: ADA,
      useCase: LINE_3,
      job: 'train-resnet',
      targets: ['x86_64-cpu'],
      why: 'manual',
    });
    return results[0]!.attempt!;
  };

  it('shows SageMaker’s words, cause and fix, and the end of the compile log', async () => {
    const { id } = await start();
    account.advance(
      'FAILED',
      undefined,
      'ClientError: InputConfiguration: Unable to untar input model <!channel>',
    );
    await bot.pass(30_000);
    account.log = () => logOf({ compile: ['reading', 'gave up'] });
    expect(await compilationFailure(bot.deps, { actor: ADA, useCase: LINE_3, attempt: id })).toMatchObject({
      reason: 'ClientError: InputConfiguration: Unable to untar input model <!channel>',
      advice: { id: 'neo-not-a-tar', link: { url: expect.stringContaining('https://') } },
      excerpt: { kind: 'last lines', text: 'reading\ngave up' },
    });
  });

  it('shows a chain of the compile log without the prefix of its machine', async () => {
    const { id } = await start();
    account.advance('FAILED', undefined, 'ClientError: InputConfiguration: Unable to load PyTorch model');
    await bot.pass(30_000);
    const lines = [
      'Traceback (most recent call last):',
      '  File "neo.py", line 3, in load',
      'RuntimeError: version_ <= kMaxSupportedFileFormatVersion',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "neo.py", line 9, in main',
      'neo.InputConfigurationError: Unable to load PyTorch model',
    ];
    account.log = () =>
      logOf({ compile: lines.map((line) => `localhost compiler-container-Primary[5145]: ${line}`) });
    const { excerpt } = await compilationFailure(bot.deps, { actor: ADA, useCase: LINE_3, attempt: id });
    expect(excerpt?.kind).toBe('traceback');
    expect(excerpt?.text).toMatch(/^Traceback[\s\S]*kMaxSupported[\s\S]*Unable to load PyTorch model$/);
    expect(excerpt?.text).not.toContain('localhost');
  });

  it('looks for no log of what SageMaker refused to start', async () => {
    account.fault = (point) =>
      point === 'start' ? new AppError('invalid_input', 'No such thing.') : undefined;
    const { id } = await start();
    const failure = await compilationFailure(bot.deps, { actor: ADA, useCase: LINE_3, attempt: id });
    expect(failure).toMatchObject({ reason: 'No such thing.', advice: { id: 'neo-refused' } });
    expect(failure.excerpt).toBeUndefined();
  });

  it('stops what was started although it had been given up meanwhile', async () => {
    account.fault = (point) => {
      if (point !== 'start') return undefined;
      account.fault = () => undefined;
      // As after a process that slept between the claim and the request.
      void bot.store.listAttempts({ live: true }).then(async ([attempt]) => {
        const refused = { kind: 'refused' as const, at: account.now, message: 'never taken' };
        await observeAttempt(bot.deps, LINE_3, attempt!.id, refused);
      });
      return undefined;
    };
    await start();
    expect([...account.compilations.values()].map(({ report }) => report.status)).toEqual(['STOPPING']);
  });
});
