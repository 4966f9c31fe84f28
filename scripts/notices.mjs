// What a build owes about what is in it: the packages' licences, and a software bill of materials (CycloneDX 1.6).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const BILL = 'bom.cdx.json';

/**
 * @param root of the package that was built
 * @param dir what was built
 * @param modules every file that is in it, as bundlers name them
 * @param files what else is in it that others made: name, licence, from where
 */
export async function writeNotices({ root, dir, modules, files = [] }) {
  const folders = new Set(
    modules.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []),
  );
  const packages = await Promise.all(
    [...folders].sort().map(async (folder) => ({
      folder,
      about: JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
    })),
  );
  await writeFile(join(dir, 'THIRD-PARTY-LICENSES.txt'), await licences(packages));
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await writeFile(join(dir, BILL), `${JSON.stringify(billOf(own, packages, files))}\n`);
}

/** Each licence text that asks to be kept, once, after the packages of the bundle that are under it. */
async function licences(packages) {
  const texts = new Map();
  for (const { folder, about } of packages) {
    const { name, version, license, repository: source } = about;
    const file = (await readdir(folder)).find((one) => /^(licen[cs]e|copying)/i.test(one));
    const text = file
      ? (await readFile(join(folder, file), 'utf8')).trim()
      : `Licence: ${license}. Its source: ${source?.url ?? source}`;
    texts.set(text, [...new Set([...(texts.get(text) ?? []), `${name} ${version}`])]);
  }
  const parts = [...texts].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
  return `The program contains parts of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** The same of the same packages: no time and no chance is in it. */
function billOf(own, packages, files) {
  const locked = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')).packages;
  const byFolder = new Map(packages.map((one) => [one.folder, one]));
  const ref = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const components = new Map();
  const needs = new Map();
  for (const { folder, about } of packages) {
    const inRepository = folder.startsWith(repository)
      ? relative(repository, folder)
      : folder.slice(folder.indexOf('/node_modules/') + 1);
    const [, algorithm, digest] = /^(sha512)-(.*)$/.exec(locked[inRepository]?.integrity ?? '') ?? [];
    const [, group, name] = /^(@[^/]+)\/(.*)$/.exec(about.name) ?? [undefined, undefined, about.name];
    components.set(ref(about), {
      type: 'library',
      'bom-ref': ref(about),
      ...(group === undefined ? {} : { group }),
      name,
      version: about.version,
      ...(algorithm === undefined
        ? {}
        : { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }),
      licenses: licencesOf(about),
      purl: ref(about),
      externalReferences: [
        { type: 'distribution', url: `https://www.npmjs.com/package/${about.name}/v/${about.version}` },
      ],
    });
    const found = Object.keys({ ...about.dependencies, ...about.peerDependencies }).flatMap(
      (one) => resolved(folder, one, byFolder) ?? [],
    );
    needs.set(ref(about), new Set([...(needs.get(ref(about)) ?? []), ...found.map((one) => ref(one.about))]));
  }
  for (const { name, license, url, path } of files) {
    const content = createHash('sha512').update(readFileSync(path)).digest('hex');
    components.set(`file:${name}`, {
      type: 'file',
      'bom-ref': `file:${name}`,
      name,
      hashes: [{ alg: 'SHA-512', content }],
      licenses: [{ license: { id: license } }],
      externalReferences: [{ type: 'website', url }],
    });
  }
  const listed = [...components.values()].sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const digest = createHash('sha256')
    .update(JSON.stringify([own.name, own.version, listed]))
    .digest('hex');
  const self = ref(own);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': self,
        name: own.name,
        version: own.version,
        licenses: [{ license: { id: own.license } }],
        purl: self,
      },
    },
    components: listed,
    dependencies: [
      { ref: self, dependsOn: listed.map((one) => one['bom-ref']) },
      ...[...needs]
        .map(([one, dependsOn]) => ({ ref: one, dependsOn: [...dependsOn].sort() }))
        .sort((a, b) => (a.ref < b.ref ? -1 : 1)),
    ],
  };
}

/** A package that another finds by its name, as Node looks for it, if it is in the bundle. */
function resolved(from, name, byFolder) {
  for (let at = from; ; ) {
    const found = byFolder.get(join(at, 'node_modules', name));
    if (found) return found;
    const up = at.lastIndexOf('/node_modules/');
    if (existsSync(join(at, 'node_modules', name)) || up < 0) return undefined;
    at = at.slice(0, up);
  }
}

/** SPDX: an id, an expression of several, or a name of its own. */
function licencesOf({ license }) {
  const text = typeof license === 'string' ? license : (license?.type ?? '');
  if (text === '' || /^SEE LICEN/i.test(text)) return [{ license: { name: text || 'not stated' } }];
  return / (OR|AND|WITH) /.test(text) ? [{ expression: text }] : [{ license: { id: text } }];
}
