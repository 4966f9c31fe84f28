/**
 * Writes src/aws/service-models.json: of each AWS service that the sandbox speaks, the names of all its
 * operations, and the members of the inputs of those that are here. The source is the service's own model, as the
 * AWS SDK carries it. Run it after an SDK update: `npx tsx sandbox/scripts/aws-models.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NormalizedSchema } from '@smithy/core/schema';

const ROOT = join(import.meta.dirname, '..');
export const MODELS_FILE = join(ROOT, 'src/aws/service-models.json');

/** Service of the sandbox → the SDK's package for it. */
const PACKAGES: Readonly<Record<string, string>> = {
  sts: '@aws-sdk/client-sts',
  logs: '@aws-sdk/client-cloudwatch-logs',
  sagemaker: '@aws-sdk/client-sagemaker',
  greengrassv2: '@aws-sdk/client-greengrassv2',
  s3: '@aws-sdk/client-s3',
  sqs: '@aws-sdk/client-sqs',
  events: '@aws-sdk/client-eventbridge',
};

/** Operation schemas begin with this number. */
const OPERATION = 9;

interface ServiceModel {
  sdk: string;
  operations: string[];
  inputs: Record<string, string>;
  shapes: Record<string, Record<string, string>>;
}

/** @param here service → operations that the sandbox has */
export async function readModels(
  here: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, ServiceModel>> {
  const models: Record<string, ServiceModel> = {};
  for (const [service, pack] of Object.entries(PACKAGES)) {
    const exported = (await import(pack)) as Record<string, unknown>;
    const schemas = new Map<string, readonly unknown[]>();
    for (const value of Object.values(exported))
      if (Array.isArray(value) && value[0] === OPERATION) schemas.set(String(value[2]), value);
    const model: ServiceModel = {
      sdk: `${pack} ${versionOf(pack)}`,
      operations: [...schemas.keys()].sort(),
      inputs: {},
      shapes: {},
    };
    // S3's members are spread over path, query and headers: its door reads them itself.
    for (const operation of service === 's3' ? [] : [...(here[service] ?? [])].sort()) {
      const schema = schemas.get(operation);
      if (!schema) throw new Error(`${pack} has no operation ${operation}`);
      model.inputs[operation] = addShape(model.shapes, NormalizedSchema.of((schema[4] as () => never)()));
    }
    models[service] = model;
  }
  return models;
}

/** `''` for what has no members, `Name` for a structure, `[…]` for a list of it, `{…}` for a map to it. */
function addShape(shapes: ServiceModel['shapes'], schema: NormalizedSchema): string {
  if (schema.isListSchema()) return wrap('[', addShape(shapes, schema.getValueSchema()), ']');
  if (schema.isMapSchema()) return wrap('{', addShape(shapes, schema.getValueSchema()), '}');
  if (!schema.isStructSchema()) return '';
  const name = String(schema.getName()).replace(/^.*#/, '');
  if (shapes[name] === undefined) {
    const members: Record<string, string> = {};
    shapes[name] = members;
    for (const [member, of] of schema.structIterator()) members[member] = addShape(shapes, of);
  }
  return name;
}

const wrap = (before: string, inner: string, after: string) => (inner === '' ? '' : before + inner + after);

function versionOf(pack: string): string {
  const text = readFileSync(join(ROOT, '../node_modules', pack, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** What the sandbox has, asked of a running one. */
export async function sandboxOperations(): Promise<Record<string, string[]>> {
  const { startAwsSandbox } = await import('../src/aws/index.ts');
  const sandbox = await startAwsSandbox({ world: { accounts: [] } });
  await sandbox.close();
  return sandbox.operations;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const models = await readModels(await sandboxOperations());
  writeFileSync(MODELS_FILE, `${JSON.stringify(models, null, 2)}\n`);
}
