/** What is in the build is on its bill of materials, with licences; known weaknesses of packages stop CI. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');

interface Bill {
  components: {
    type: string;
    group?: string;
    name: string;
    version?: string;
    hashes?: object[];
    'bom-ref': string;
  }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

describe.skipIf(!existsSync(join(DIST, 'bom.cdx.json')))(
  '[O3] the bill of materials that the build makes',
  () => {
    const text = readFileSync(join(DIST, 'bom.cdx.json'), 'utf8');
    const bill = JSON.parse(text) as Bill;
    const named = (one: Bill['components'][number]) => `${one.group ? `${one.group}/` : ''}${one.name}`;

    it('is what CycloneDX 1.6 asks for, strictly', async () => {
      const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
      expect(await validator.validate(text)).toBeNull();
      expect(await validator.validate(text.replace('"MIT"', '"MITT"'))).not.toBeNull();
    });

    it('has the packages of the program, of both pages and of their workers, each with version and digest', () => {
      const names = new Set(bill.components.map(named));
      // The program's, its second program's, the viewer's, its worker's, and the sandbox's page's.
      for (const name of ['@slack/bolt', '@resvg/resvg-wasm', '@xterm/xterm', 're2js', 'react', 'pg'])
        expect(names, name).toContain(name);
      expect(bill.components.filter(({ type, version }) => type === 'library' && !version)).toEqual([]);
      expect(bill.components.filter(({ hashes }) => hashes?.length !== 1).map(named)).toEqual([]);
      // What only builds and tests is not in it.
      for (const name of ['vitest', 'typescript', 'vite', 'rolldown', 'ajv'])
        expect(names).not.toContain(name);
    });

    it('says what depends on what within it', () => {
      const refs = new Set(bill.components.map((one) => one['bom-ref']));
      const needed = bill.dependencies.flatMap(({ dependsOn }) => dependsOn);
      expect(needed.filter((ref) => !refs.has(ref))).toEqual([]);
      const bolt = bill.dependencies.find(({ ref }) => ref.startsWith('pkg:npm/%40slack/bolt@'));
      expect(bolt?.dependsOn.some((ref) => ref.startsWith('pkg:npm/%40slack/web-api@'))).toBe(true);
    });

    it('has the licence of every one in THIRD-PARTY-LICENSES.txt', () => {
      const licences = readFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), 'utf8').split('\n');
      const libraries = bill.components.filter(({ type }) => type === 'library');
      expect(
        libraries.map((one) => `${named(one)} ${one.version}`).filter((one) => !licences.includes(one)),
      ).toEqual([]);
    });

    it('is the same of the same sources', () => {
      expect(text).not.toMatch(/\d{4}-\d{2}-\d{2}T|\/work\/|\/home\/|\/tmp\//);
    });
  },
);

describe('the audit of dependencies', () => {
  let registry: Server | undefined;
  let cache: string;
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'npm-cache-'));
  });
  afterEach(async () => {
    registry?.close();
    await rm(cache, { recursive: true, force: true });
  });

  /** Runs it against a registry that knows these weaknesses, or none that answers. */
  async function audited(
    severity: string | undefined,
    { status = 200, knowsPackages = true } = {},
  ): Promise<{ code: number; output: string }> {
    registry = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        const asked = request.method === 'POST' ? readAsked(body) : {};
        const known =
          severity === undefined || !('cli-progress' in asked)
            ? {}
            : {
                'cli-progress': [
                  {
                    id: 1,
                    url: 'https://example.com/1',
                    title: 'Lets anybody in',
                    severity,
                    vulnerable_versions: '*',
                  },
                ],
              };
        // Of a package with a weakness it asks which versions there are.
        const versions = { '3.12.0': { name: 'cli-progress', version: '3.12.0' } };
        const answer = request.method === 'POST' ? known : { name: 'cli-progress', versions };
        response
          .writeHead(request.method === 'POST' || knowsPackages ? status : 500, {
            'content-type': 'application/json',
          })
          .end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((done) => registry!.listen(0, '127.0.0.1', done));
    const { port } = registry.address() as AddressInfo;
    return await new Promise((done) => {
      execFile(
        process.execPath,
        [join(ROOT, 'scripts/audit.mjs')],
        {
          env: {
            ...process.env,
            npm_config_registry: `http://127.0.0.1:${port}/`,
            npm_config_fetch_retries: '0',
            // npm keeps what it has heard of a weakness.
            npm_config_cache: cache,
          },
        },
        (error, stdout) => done({ code: Number(error?.code ?? 0), output: stdout }),
      );
    });
  }

  /** npm sends names and versions, compressed. */
  const readAsked = (body: Buffer): object =>
    JSON.parse((body[0] === 0x1f ? gunzipSync(body) : body).toString() || '{}') as object;

  it('ends with an error for a weakness that is high, and names it', async () => {
    const { code, output } = await audited('high');
    expect(output).toContain('high: cli-progress *: Lets anybody in https://example.com/1');
    expect(output).toContain('1 of them high or critical');
    expect(code).toBe(1);
  });

  it('names one that is moderate and goes on', async () => {
    const { code, output } = await audited('moderate');
    expect(output).toContain('moderate: cli-progress');
    expect(code).toBe(0);
  });

  it('says that it could not ask where the registry does not answer such questions', async () => {
    const { code, output } = await audited(undefined, { status: 405 });
    expect(output).toMatch(/not done, the registry could not be asked \(405 /);
    expect(code).toBe(0);
  });

  it('names it too where the registry says nothing else about the package', async () => {
    const { code, output } = await audited('critical', { knowsPackages: false });
    expect(output).toContain('critical: cli-progress');
    expect(code).toBe(1);
  });

  it('is a part of CI', () => {
    const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
    expect(ci).toContain('node scripts/audit.mjs');
    expect(spawnSync('bash', ['-n', join(ROOT, '.ci/run')]).status).toBe(0);
  });
});
