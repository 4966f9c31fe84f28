// Assembles src/aws/page-scanner.wat into src/aws/page-scanner.wasm.ts. Run after changing the .wat; a test compares the two.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const source = fileURLToPath(new URL('../src/aws/page-scanner.wat', import.meta.url));
const target = fileURLToPath(new URL('../src/aws/page-scanner.wasm.ts', import.meta.url));

/** @returns the text of the TypeScript file */
export async function assemble() {
  const { parseWat } = await wabt();
  const module = parseWat('page-scanner.wat', await readFile(source, 'utf8'), {
    simd: true,
    bulk_memory: true,
  });
  module.validate();
  const { buffer } = module.toBinary({});
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,100}/g)
    .map((line) => `  '${line}',`);
  return `// Made from page-scanner.wat by scripts/build-page-scanner.mjs. Not to be edited.\n\n/** The assembled module, base64. */\nexport const PAGE_SCANNER = [\n${lines.join('\n')}\n].join('');\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(target, await assemble());
