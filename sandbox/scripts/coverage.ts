/**
 * Writes into docs/reference.md, between its two marks, which of Slack's methods and AWS's operations the sandbox has and
 * which it has not. Run it when either changes: `npx tsx sandbox/scripts/coverage.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebClient } from '@slack/web-api';
import { METHODS } from '../src/slack/web-api.ts';
import { readModels, sandboxOperations } from './aws-models.ts';

export const DOCS_FILE = join(import.meta.dirname, '../docs/reference.md');
const BEGIN = '<!-- made by scripts/coverage.ts -->';
const END = '<!-- end -->';

const AWS_NAMES: Readonly<Record<string, string>> = {
  sts: 'STS',
  logs: 'CloudWatch Logs',
  sagemaker: 'SageMaker',
  greengrassv2: 'Greengrass v2',
  s3: 'S3',
  sqs: 'SQS',
  events: 'EventBridge',
};

/** @returns the docs with the lists as the code has them now */
export async function withCoverage(docs: string): Promise<string> {
  const begin = docs.indexOf(BEGIN);
  const end = docs.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/reference.md has no ${BEGIN} … ${END}`);
  return `${docs.slice(0, begin + BEGIN.length)}\n\n${await lists()}\n${docs.slice(end)}`;
}

async function lists(): Promise<string> {
  const here = await sandboxOperations();
  const models = await readModels(here);
  const parts = [
    section('Slack’s Web API', [...METHODS.keys()], slackMethods()),
    ...Object.entries(models).map(([service, { operations }]) =>
      section(AWS_NAMES[service] ?? service, here[service] ?? [], operations),
    ),
  ];
  return parts.join('\n');
}

function section(name: string, here: readonly string[], all: readonly string[]): string {
  const code = (names: readonly string[]) =>
    [...names]
      .sort()
      .map((one) => `\`${one}\``)
      .join(' ');
  const missing = all.filter((one) => !here.includes(one));
  return `**${name}**: ${here.length} here: ${code(here)}\n\n<details><summary>${missing.length} not here</summary>\n\n${code(missing)}\n\n</details>\n`;
}

/** Of Slack's client, and no methods of Slack's. */
const OF_THE_CLIENT = new Set(['retryConfig', 'requestQueue', 'defaultHeaders', 'logger']);

/** As Slack's own client has them. */
function slackMethods(): string[] {
  const found: string[] = [];
  const walk = (value: object, path: readonly string[]): void => {
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'function' && path.length > 0) found.push([...path, key].join('.'));
      else if (typeof inner === 'object' && inner !== null) walk(inner, [...path, key]);
    }
  };
  const groups = Object.entries(new WebClient()).filter(
    ([name]) => !OF_THE_CLIENT.has(name) && !/^_/.test(name),
  );
  for (const [name, group] of groups) if (typeof group === 'object' && group !== null) walk(group, [name]);
  return found;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(DOCS_FILE, await withCoverage(readFileSync(DOCS_FILE, 'utf8')));
