import { describe, expect, it } from 'vitest';
import { nearestNames } from '../../src/domain/nearest-names.ts';
import { findTarget, parseCompilerOptions, targetTable } from '../../src/domain/targets.ts';
import { AppError } from '../../src/ground/errors.ts';

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('an AppError was expected');
}

describe('[C3] built-in targets', () => {
  it('has the platform, options and Greengrass architecture of every one', () => {
    const table = targetTable();
    expect([...table.keys()]).toEqual([
      'jetson-xavier',
      'jetson-xavier-jp5',
      'x86_64-cpu',
      'x86_64-cuda',
      'arm64-cpu',
    ]);
    const xavier = table.get('jetson-xavier')!;
    expect(xavier.neo).toEqual({ platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' } });
    expect(xavier.architecture).toBe('aarch64');
    expect(JSON.parse(xavier.compilerOptions!)).toEqual({
      'cuda-ver': '10.2',
      'gpu-code': 'sm_72',
      'trt-ver': '8.2.1',
      'max-workspace-size': '2147483648',
      'precision-mode': 'fp16',
      'jetson-platform': 'xavier',
    });
    expect(JSON.parse(table.get('jetson-xavier-jp5')!.compilerOptions!)).toMatchObject({
      'cuda-ver': '11.4',
      'trt-ver': '8.5.2',
    });
    expect(table.get('x86_64-cpu')).toMatchObject({ architecture: 'amd64', compilerOptions: undefined });
    expect(JSON.parse(table.get('x86_64-cuda')!.compilerOptions!)).not.toHaveProperty('jetson-platform');
    expect(table.get('arm64-cpu')!.neo).toEqual({ platform: { os: 'LINUX', arch: 'ARM64' } });
  });
});

describe('a use case’s own targets', () => {
  it('adds a device with one entry, and keeps the order', () => {
    const table = targetTable({ 'line-camera': { device: 'rasp4b', architecture: 'aarch64' } });
    expect([...table.keys()].at(-1)).toBe('line-camera');
    expect(table.get('line-camera')).toMatchObject({ neo: { device: 'rasp4b' }, architecture: 'aarch64' });
  });

  it('overrides only what it says of a built-in', () => {
    const own = targetTable({ 'jetson-xavier': { options: { 'cuda-ver': '10.1' } } }).get('jetson-xavier')!;
    expect(own.compilerOptions).toBe('{"cuda-ver":"10.1"}');
    expect(own.neo).toEqual({ platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' } });
  });

  it('drops a built-in’s options with its platform', () => {
    const own = targetTable({ 'jetson-xavier': { device: 'jetson_xavier' } }).get('jetson-xavier')!;
    expect(own).toMatchObject({ neo: { device: 'jetson_xavier' }, compilerOptions: undefined });
  });

  it('reports every problem of every entry at once', () => {
    const { code, message, hint } = refusal(() =>
      targetTable({
        both: { device: 'rasp4b', platform: { os: 'LINUX', arch: 'ARM64' } },
        neither: {},
        typo: { device: 'jetson_xavir' },
        odd: { platform: { os: 'BEOS', arch: 'ARM_64', accelerator: 'NVIDEA' }, options: '{cuda' },
        'no spaces': { device: 'rasp3b', architecture: 'sparc' },
      }),
    );
    expect(code).toBe('invalid_input');
    for (const said of [
      '“both”: expected either device or platform, but got both',
      '“neither”: expected either device or platform, but got neither',
      'did you mean jetson_xavier',
      'platform.os “BEOS”',
      'did you mean ARM64',
      'did you mean NVIDIA',
      'it is not JSON: “{cuda”',
      '“no spaces”: a name has at most',
      'architecture “sparc”',
    ])
      expect(message).toContain(said);
    expect(hint).toContain('device: rasp3b');
  });
});

describe('finding a target', () => {
  it.each([
    ['jetson-xaver', 'jetson-xavier'],
    ['x86_64_cpu', 'x86_64-cpu'],
    ['Xavier', 'jetson-xavier'],
    ['arm64', 'arm64-cpu'],
  ])('offers for %s the nearest, %s', (typed, nearest) => {
    const error = refusal(() => findTarget(targetTable(), typed));
    expect(error.code).toBe('not_found');
    expect(error.hint).toMatch(new RegExp(`^Did you mean ${nearest}`));
  });

  it('lists all where none is near', () => {
    const own = targetTable({ 'old-pi': { device: 'rasp3b' } });
    const two = new Map(['x86_64-cpu', 'old-pi'].map((name) => [name, own.get(name)!]));
    expect(refusal(() => findTarget(two, 'toaster')).hint).toBe('The targets here are x86_64-cpu, old-pi.');
    expect(nearestNames('', ['a'])).toEqual([]);
    expect(nearestNames('k0', ['lr', 'k1'])).toEqual(['k1']);
  });
});

describe('compiler options', () => {
  it('takes objects, JSON with spaces, and the JSON string that Inferentia wants', () => {
    expect(parseCompilerOptions({ mcpu: 'skylake-avx512' })).toBe('{"mcpu":"skylake-avx512"}');
    expect(parseCompilerOptions('{\n  "mcpu": "skylake-avx512"\n}')).toBe('{"mcpu":"skylake-avx512"}');
    expect(parseCompilerOptions('"--dtype int64"')).toBe('"--dtype int64"');
    expect(parseCompilerOptions('')).toBeUndefined();
    expect(parseCompilerOptions('{}')).toBeUndefined();
  });

  it('says what came instead', () => {
    expect(refusal(() => parseCompilerOptions('cuda-ver=10.2')).message).toContain(
      'not JSON: “cuda-ver=10.2”',
    );
    expect(refusal(() => parseCompilerOptions('[1]')).message).toContain('a list');
    expect(refusal(() => parseCompilerOptions('12')).message).toContain('the value “12”');
    expect(refusal(() => parseCompilerOptions(JSON.stringify({ a: 'x'.repeat(1024) }))).message).toContain(
      '3 to 1024 characters, but it has 1032 characters',
    );
  });
});
