import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/domain/command-words.ts';
import { compileInput, parseInputShape } from '../../src/domain/compile-input.ts';
import { parseCompileRequest, requestedTargets, requireCompleted } from '../../src/domain/compile-request.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { targetTable } from '../../src/domain/targets.ts';
import { AppError } from '../../src/ground/errors.ts';

const parse = (text: string) => parseCompileRequest(commandWords(text));

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('an AppError was expected');
}

describe('[C3] arguments of /compile', () => {
  it('takes a job alone, and targets with spaces or commas between', () => {
    expect(parse('train-resnet')).toEqual({ job: 'train-resnet', targets: [], corrections: {} });
    expect(parse('train-resnet jetson-xavier, x86_64-cpu,arm64-cpu jetson-xavier').targets).toEqual([
      'jetson-xavier',
      'x86_64-cpu',
      'arm64-cpu',
    ]);
  });

  it.each([
    '--shape input=1x3x224x224',
    '--shape=input=1,3,224,224',
    '--shape {"input":[1,3,224,224]}',
    '--shape {"input": [1, 3, 224, 224]}',
    '--shape \'{"input": [1, 3, 224, 224]}\'',
    '—shape {“input”: [1, 3, 224, 224]}',
  ])('reads the shape of %s', (flags) => {
    const request = parse(`train-resnet ${flags} arm64-cpu --framework pytorch --framework-version 1.13`);
    expect(request).toEqual({
      job: 'train-resnet',
      targets: ['arm64-cpu'],
      corrections: {
        dataInputConfig: '{"input":[1,3,224,224]}',
        framework: 'pytorch',
        frameworkVersion: '1.13',
      },
    });
  });

  it('says what was expected', () => {
    expect(refusal(() => parse('')).message).toContain('No training job was named');
    expect(refusal(() => parse('job --shapes x')).hint).toMatch(/^Did you mean --shape\?/);
    expect(refusal(() => parse('job --framework')).message).toContain('needs a value after it');
    expect(refusal(() => parse('job --framework --shape a=1')).message).toContain('and “--shape” is a flag');
    expect(refusal(() => parse('job --shape banana')).message).toContain('got “banana”');
    expect(refusal(() => parse('<!channel>')).code).toBe('invalid_input');
  });

  it('resolves targets, and offers the nearest of one that is not there', () => {
    const table = targetTable();
    expect(requestedTargets(['Jetson_Xavier', 'x86-64-cpu', 'jetson-xavier'], table)).toEqual([
      'jetson-xavier',
      'x86_64-cpu',
    ]);
    expect(refusal(() => requestedTargets(['jetson-xavior'], table)).hint).toContain(
      'Did you mean jetson-xavier',
    );
  });
});

describe('[C4] the training job', () => {
  it('must be completed, whatever the letter case', () => {
    requireCompleted({ name: 'train-1', ...sageMakerState('COMPLETED') });
    expect(
      refusal(() => requireCompleted({ name: 'train-1', ...sageMakerState('InProgress') })),
    ).toMatchObject({
      code: 'conflict',
      message: 'train-1 is running; only a completed training job can be compiled.',
      hint: 'Wait until it is completed, then compile it.',
    });
    expect(refusal(() => requireCompleted({ name: 'train-1', ...sageMakerState('Failed') })).hint).toContain(
      'another job',
    );
  });
});

describe('input shapes', () => {
  it('takes what Neo documents for the frameworks', () => {
    expect(parseInputShape('{"input_1":[1,null,null,3]}')).toBe('{"input_1":[1,null,null,3]}');
    expect(parseInputShape('[[1,3,224,224],[1,10]]')).toBe('[[1,3,224,224],[1,10]]');
    expect(parseInputShape('[1,3,224,224]')).toBe('[[1,3,224,224]]');
    expect(parseInputShape('ids=1x512; mask=1x512')).toBe('{"ids":[1,512],"mask":[1,512]}');
    expect(parseInputShape('{"image":{"shape":["1..10",3,224,224],"type":"Image"}}')).toContain('"1..10"');
  });

  it.each([
    '',
    '{"input":[1,3,',
    '{}',
    '[]',
    '{"input":"1,3"}',
    '{"input":[0]}',
    '{"input":[1.5]}',
    'input=0x3',
    'a=1 b',
    '{"a":1}',
  ])('refuses %s with an example', (text) => {
    const error = refusal(() => parseInputShape(text));
    expect(error.code).toBe('invalid_input');
    expect(error.hint).toContain('input=1x3x224x224');
  });
});

describe('[C3] what Neo must know of the model', () => {
  const settings = {
    framework: 'PYTORCH',
    frameworkVersion: '1.8',
    dataInputConfig: { input: [1, 3, 64, 64] },
  };
  const hyperparameters = { framework: '"keras"', input_shape: '"{\\"image\\": [1, 3, 32, 32]}"' };
  const tags = { 'signalbox:input-shape': 'data=1x3x16x16' };

  it('comes from the use case where nothing else says it', () => {
    expect(compileInput({ settings })).toEqual({
      framework: 'PYTORCH',
      frameworkVersion: '1.8',
      dataInputConfig: '{"input":[1,3,64,64]}',
      sources: { framework: 'use case', frameworkVersion: 'use case', dataInputConfig: 'use case' },
    });
  });

  it('prefers hyperparameters, over them tags, over all corrections', () => {
    expect(compileInput({ settings, hyperparameters })).toMatchObject({
      framework: 'KERAS',
      dataInputConfig: '{"image":[1,3,32,32]}',
      sources: {
        framework: 'hyperparameter',
        dataInputConfig: 'hyperparameter',
        frameworkVersion: 'use case',
      },
    });
    expect(compileInput({ settings, hyperparameters, tags }).dataInputConfig).toBe('{"data":[1,3,16,16]}');
    const corrections = { framework: 'onnx', dataInputConfig: 'x=1x1' };
    expect(compileInput({ settings, hyperparameters, tags, corrections })).toMatchObject({
      framework: 'ONNX',
      dataInputConfig: '{"x":[1,1]}',
      sources: { framework: 'correction', dataInputConfig: 'correction' },
    });
  });

  it('says what is missing and where to add it', () => {
    expect(refusal(() => compileInput({})).hint).toContain('compile.framework');
    const error = refusal(() => compileInput({ settings: { framework: 'ONNX' } }));
    expect(error.message).toContain('which input shape the ONNX model has');
    expect(error.hint).toContain('compile.dataInputConfig');
  });

  it('leaves the shape out where Neo reads it from the model', () => {
    expect(compileInput({ settings: { framework: 'xgboost' } }).dataInputConfig).toBeUndefined();
    expect(
      compileInput({ settings: { framework: 'PYTORCH', frameworkVersion: '2.0' } }).dataInputConfig,
    ).toBeUndefined();
  });

  it('says where a wrong value stands', () => {
    expect(
      refusal(() => compileInput({ settings, tags: { 'signalbox:framework': 'PYTORH' } })),
    ).toMatchObject({
      message: 'In the training job’s tag signalbox:framework: Neo knows no framework “PYTORH”.',
      hint: expect.stringMatching(/^Did you mean PYTORCH\?/),
    });
    expect(
      refusal(() => compileInput({ settings: { ...settings, frameworkVersion: 'v1' } })).message,
    ).toContain('In the use case’s compile.frameworkVersion: ');
  });
});
