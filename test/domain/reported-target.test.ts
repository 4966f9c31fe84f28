import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportedTarget } from '../../src/domain/reported-target.ts';
import { targetTable } from '../../src/domain/targets.ts';

const JETSON = { platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' } };
const builtIn = targetTable();
/** Not all that are built in: one that is added later changes no answer here. */
const table = new Map(
  ['jetson-xavier', 'jetson-xavier-jp5', 'x86_64-cpu', 'x86_64-cuda', 'arm64-cpu'].map((name) => [
    name,
    builtIn.get(name)!,
  ]),
);

describe('[C5] the target of a compilation that was started elsewhere', () => {
  it('is found again for every target of a table', () => {
    const own = targetTable({
      'old-pi': { device: 'rasp3b', architecture: 'arm' },
      'camera-box': { platform: { os: 'LINUX', arch: 'ARM64' }, options: { mcpu: 'cortex-a72' } },
    });
    for (const { name, neo, compilerOptions } of own.values())
      expect(reportedTarget(own, neo, compilerOptions)).toBe(name);
  });

  it('is, of several for one platform, the one whose options are nearest', () => {
    const options = { 'gpu-code': 'sm_72', 'trt-ver': '8.5.2', 'cuda-ver': '11.4' };
    expect(reportedTarget(table, JETSON, JSON.stringify(options))).toBe('jetson-xavier-jp5');
    expect(reportedTarget(table, JETSON, JSON.stringify({ ...options, 'trt-ver': '8.2.1' }))).toMatch(
      /^jetson-xavier/,
    );
    expect(reportedTarget(table, JETSON, undefined)).toBe('jetson-xavier');
    expect(reportedTarget(table, { platform: { os: 'LINUX', arch: 'X86_64' } }, '{"mattr":["+neon"]}')).toBe(
      'x86_64-cpu',
    );
  });

  it('has a name of its own for other hardware, unknown devices and platforms', () => {
    expect(reportedTarget(table, JETSON, '{"gpu-code":"sm_53"}')).toBe('linux-arm64-nvidia-sm_53');
    expect(reportedTarget(table, { device: 'jetson_nano' }, undefined)).toBe('jetson_nano');
    expect(reportedTarget(table, { device: 'ml_inf1' }, '"--dtype int64"')).toBe('ml_inf1');
    expect(reportedTarget(table, { platform: { os: 'ANDROID', arch: 'ARM64' } }, 'not JSON')).toBe(
      'android-arm64',
    );
    const taken = targetTable({ jetson_nano: { platform: { os: 'ANDROID', arch: 'ARM64' } } });
    expect(reportedTarget(taken, { device: 'jetson_nano' }, undefined)).toBe('other-jetson_nano');
  });

  it('always has a name that a target may have', () => {
    const text = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' });
    fc.assert(
      fc.property(text, text, fc.option(fc.json(), { nil: undefined }), (a, b, options) => {
        for (const neo of [{ device: `d${a}` }, { platform: { os: `o${a}`, arch: b } }])
          expect(reportedTarget(table, neo, options)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/);
      }),
      { numRuns: 200 },
    );
  });
});
