import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRunnerConfig } from '../../src/config/runner.ts';
import type { AppError } from '../../src/ground/errors.ts';
import { testFolder } from '../fixtures/test-folder.ts';

const TOKEN = { RUNNER_TOKEN: 'a-token-of-the-tests-0123456789' };

function load(yaml: string, env: Record<string, string> = TOKEN, file?: string) {
  const cwd = testFolder('runner-config');
  mkdirSync(join(cwd, 'press'));
  writeFileSync(join(cwd, file ?? 'runner.yaml'), yaml);
  return { cwd, config: () => loadRunnerConfig({ env, cwd, file }) };
}

function problems(yaml: string, env?: Record<string, string>): string {
  try {
    load(yaml, env).config();
  } catch (error) {
    expect((error as AppError).code).toBe('invalid_input');
    return (error as AppError).message;
  }
  return 'none';
}

const ONE = 'templates: { press: { command: [python3, train.py] } }';

describe('runner.yaml', () => {
  it('needs templates only; the rest has defaults that are safe', () => {
    const { cwd, config } = load(ONE);
    expect(config()).toEqual({
      path: join(cwd, 'runner.yaml'),
      dataDir: join(cwd, 'runner-data'),
      listen: { host: '127.0.0.1', port: 8700 },
      token: TOKEN.RUNNER_TOKEN,
      limits: { runs: 4, bytesPerRun: 256e6, disk: 20e9 },
      graceMs: 10_000,
      logLevel: 'info',
      templates: [
        { name: 'press', command: ['python3', 'train.py'], cwd, env: {}, terminal: 'pty', parameters: {} },
      ],
    });
  });

  it('may say all of it, under another name', () => {
    const yaml = `
listen: "[::]:8701"
dataDir: /var/lib/signalbox-runner
grace: 1m
limits: { runs: 8, bytesPerRun: 1GiB, disk: 500GB }
templates:
  press:
    description: Press 4
    command: [python3, -u, train.py, --lr, "{lr}", "--opt={opt}", --seed, 7]
    cwd: press
    env: { CUDA_VISIBLE_DEVICES: 0 }
    terminal: pipe
    parameters:
      lr: { type: number, min: 0, max: 1, default: 0.01 }
      opt: { type: choice, values: [adam, sgd], default: adam }
`;
    const { cwd, config } = load(yaml, TOKEN, 'other.yaml');
    expect(config()).toMatchObject({
      listen: { host: '::', port: 8701 },
      dataDir: '/var/lib/signalbox-runner',
      graceMs: 60_000,
      limits: { runs: 8, bytesPerRun: 2 ** 30, disk: 500e9 },
      templates: [
        {
          command: ['python3', '-u', 'train.py', '--lr', '{lr}', '--opt={opt}', '--seed', '7'],
          cwd: join(cwd, 'press'),
          env: { CUDA_VISIBLE_DEVICES: '0' },
          terminal: 'pipe',
          parameters: { lr: { type: 'number', min: 0, max: 1, default: '0.01' } },
        },
      ],
    });
  });

  it('is refused whole, with every problem in words', () => {
    const text = problems(`
listn: 8700
limits: { runs: 0, bytesPerRun: 1MB }
templates:
  press 4: { command: [a] }
  a: { command: python train.py }
  b: { command: [run, "{x}"], cwd: ./nowhere }
  c: { command: [run, "{x}"], parameters: { x: { type: txt } } }
`);
    for (const words of [
      'templates.press 4: expected a template',
      'limits.runs: expected a whole number from 1 to 1000, but got 0. Example: runs: 4',
      'limits.bytesPerRun: expected a size of 4 MiB or more, but got "1MB"',
      'templates.a.command: expected a list: the program and its arguments, one by one, but got "python train.py"',
      'templates.c.parameters.x.type: expected text, number, integer or choice, but got "txt"',
      'listn: there is no such key (its value is 8700). Did you mean "listen"? Example: listen: 127.0.0.1:8700',
    ])
      expect(text).toContain(words);
  });

  it('is refused where a template cannot work', () => {
    const text = problems(`
templates:
  b: { command: [run, "{x}"], cwd: ./nowhere }
  sh: { command: [sh, -c, "run {x}"], parameters: { x: { type: text, pattern: ".*" } } }
`);
    expect(text).toMatch(/templates\.b: \{x\} stands in the command, but `parameters` has no x/);
    expect(text).toMatch(/templates\.b\.cwd: expected a folder, but there is none at .*nowhere/);
    expect(text).toMatch(/templates\.sh: \{x\} stands in the text of a program \(-c\)/);
  });

  it.each([
    '',
    '[]',
    'null',
    '3',
    'templates:',
    'templates: []',
    `listen: 127.0.0.1:99999\n${ONE}`,
    `listen: x y\n${ONE}`,
  ])('is refused when it is %j', (yaml) => {
    expect(problems(yaml)).toMatch(/^The configuration has \d+ problems? \(file: .*runner\.yaml\):\n {2}• /);
  });

  it('goes without a token only where nobody else can connect and it says so', () => {
    expect(problems(ONE, {})).toContain('but it is not set');
    expect(problems(ONE, { RUNNER_TOKEN: '  ' })).toContain('but it is not set');
    expect(problems(`withoutToken: true\n${ONE}`, {})).toBe('none');
    for (const listen of ['localhost:1', '127.0.0.9:1', '"[::1]:1"', '8700'])
      expect(problems(`listen: ${listen}\nwithoutToken: true\n${ONE}`, {})).toBe('none');
    for (const listen of ['0.0.0.0:1', '"[::]:1"', '192.168.0.1:1', '127.evil.example:1'])
      expect(problems(`listen: ${listen}\nwithoutToken: true\n${ONE}`, {})).toMatch(
        /withoutToken holds only where nobody else can connect, and listen is /,
      );
    expect(problems(ONE, { RUNNER_TOKEN: 'short' })).toMatch(/at least 16 .* but got 5 characters/);
    expect(problems(ONE, { RUNNER_TOKEN: 'short' })).not.toContain('"short"');
  });
});
