/** An event as EventBridge carries it, and what is made of it for a target. */
import { randomUUID } from 'node:crypto';
import type { EpochMs } from '../time.ts';

export interface AwsEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  /** ISO 8601 without fractions of a second, as EventBridge writes it. */
  time: string;
  region: string;
  resources: readonly string[];
  detail: Readonly<Record<string, unknown>>;
}

export interface EventFacts {
  account: string;
  region: string;
  source: string;
  detailType: string;
  at: EpochMs;
  resources?: readonly string[];
  detail: Readonly<Record<string, unknown>>;
  /** Left out: a new one. */
  id?: string;
}

export function makeEvent(facts: EventFacts): AwsEvent {
  return {
    version: '0',
    id: facts.id ?? randomUUID(),
    'detail-type': facts.detailType,
    source: facts.source,
    account: facts.account,
    time: `${new Date(facts.at).toISOString().slice(0, 19)}Z`,
    region: facts.region,
    resources: facts.resources ?? [],
    detail: facts.detail,
  };
}

/** What a target wants of an event in place of the whole; one of these at most. */
export interface TargetInput {
  Input?: string;
  InputPath?: string;
  InputTransformer?: { InputPathsMap?: Readonly<Record<string, string>>; InputTemplate: string };
}

/** The text a target receives. */
export function targetText(
  event: AwsEvent,
  wanted: TargetInput,
  rule: { name: string; arn: string },
): string {
  if (wanted.Input !== undefined) return wanted.Input;
  if (wanted.InputPath !== undefined && wanted.InputPath !== '') {
    return JSON.stringify(atPath(event, wanted.InputPath) ?? {});
  }
  const transformer = wanted.InputTransformer;
  if (transformer === undefined) return JSON.stringify(event);
  const values: Record<string, unknown> = {
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': event.time,
    'aws.events.event': event,
    'aws.events.event.json': event,
  };
  for (const [name, path] of Object.entries(transformer.InputPathsMap ?? {}))
    values[name] = atPath(event, path);
  return fillTemplate(transformer.InputTemplate, values);
}

/** `<name>` inside quotes becomes text, elsewhere JSON. A template of one quoted line loses its quotes. */
function fillTemplate(template: string, values: Readonly<Record<string, unknown>>): string {
  let quoted = false;
  let filled = '';
  for (let index = 0; index < template.length; index++) {
    const char = template[index]!;
    if (char === '"' && template[index - 1] !== '\\') quoted = !quoted;
    const name = char === '<' ? /^<([\w.-]+)>/.exec(template.slice(index, index + 300))?.[1] : undefined;
    if (name === undefined || !Object.hasOwn(values, name)) {
      filled += char;
      continue;
    }
    const value = values[name];
    if (quoted) {
      const words = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
      filled += JSON.stringify(words).slice(1, -1);
    } else filled += value === undefined ? '""' : JSON.stringify(value);
    index += name.length + 1;
  }
  return filled;
}

/** The part of JSONPath that EventBridge takes: `$`, `$.a.b`, `$.a[0]`, `$['a-b']`. */
function atPath(event: unknown, path: string): unknown {
  let value = event;
  for (const [, dotted, index, quoted] of path.matchAll(/\.([\w-]+)|\[(\d+)\]|\['([^']*)'\]/g)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const key = dotted ?? index ?? quoted ?? '';
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

export const isEventPath = (path: string): boolean => /^\$(\.[\w-]+|\[\d+\]|\['[^']*'\])*$/.test(path);
