import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = resolve(ROOT, 'dist/cli.js');

/** `npm test` builds first; its modules lie elsewhere than the sources, and so do paths relative to them. */
describe.skipIf(!existsSync(PROGRAM))('the built program', () => {
  it('starts, and knows its version', async () => {
    const { version } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, '--version']);
    expect({ stdout, stderr }).toEqual({ stdout: `${version}\n`, stderr: '' });
  });
});
