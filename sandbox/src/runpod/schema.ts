/**
 * The contract's checks of request bodies, as strict as the real ones: what is not in the contract is refused by name. The
 * words are those seen from the live service (`$: additional properties 'x' not allowed`, `$: missing property 'name'`),
 * and for other checks those of the same validator, santhosh-tekuri/jsonschema.
 */

export type Check = (value: unknown, at: string) => string[];

export interface Fields {
  readonly [name: string]: Check;
}

export function object(fields: Fields, required: readonly string[] = []): Check {
  return (value, at) => {
    if (!isObject(value)) return [wrongType(value, at, 'object')];
    const missing = required.filter((name) => value[name] === undefined);
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(fields, name));
    return [
      ...(missing.length === 0
        ? []
        : [`${at}: missing ${missing.length === 1 ? 'property' : 'properties'} ${quoted(missing)}`]),
      ...(unknown.length === 0 ? [] : [`${at}: additional properties ${quoted(unknown)} not allowed`]),
      ...Object.entries(fields).flatMap(([name, check]) =>
        value[name] === undefined ? [] : check(value[name], `${at}.${name}`),
      ),
    ];
  };
}

export const string =
  ({
    least = 0,
    pattern,
    oneOf,
  }: {
    least?: number;
    pattern?: RegExp;
    oneOf?: readonly string[];
  } = {}): Check =>
  (value, at) => {
    if (typeof value !== 'string') return [wrongType(value, at, 'string')];
    if (value.length < least) return [`${at}: minLength: got ${value.length}, want ${least}`];
    if (oneOf && !oneOf.includes(value)) return [`${at}: value must be one of ${quoted(oneOf)}`];
    if (pattern && !pattern.test(value))
      return [`${at}: '${value}' does not match pattern '${pattern.source}'`];
    return [];
  };

export const integer =
  ({ least, most }: { least?: number; most?: number } = {}): Check =>
  (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return [wrongType(value, at, 'integer')];
    if (least !== undefined && value < least) return [`${at}: minimum: got ${value}, want ${least}`];
    if (most !== undefined && value > most) return [`${at}: maximum: got ${value}, want ${most}`];
    return [];
  };

export const boolean: Check = (value, at) =>
  typeof value === 'boolean' ? [] : [wrongType(value, at, 'boolean')];

export const orNull =
  (check: Check): Check =>
  (value, at) =>
    value === null ? [] : check(value, at);

export const list =
  (of: Check, { most }: { most?: number } = {}): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return [wrongType(value, at, 'array')];
    if (most !== undefined && value.length > most)
      return [`${at}: maxItems: got ${value.length}, want ${most}`];
    return value.flatMap((item, index) => of(item, `${at}[${index}]`));
  };

export const map =
  (of: Check): Check =>
  (value, at) =>
    isObject(value)
      ? Object.entries(value).flatMap(([name, item]) => of(item, `${at}.${name}`))
      : [wrongType(value, at, 'object')];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function wrongType(value: unknown, at: string, want: string): string {
  const got = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return `${at}: got ${got}, want ${want}`;
}
