/**
 * Small checks that are put together into the shape of a JSON value. Each reports what is wrong, with its
 * place as a JSON pointer, in the words Slack's own validator uses; none of them throws.
 */

export interface Problem {
  message: string;
  /** JSON pointer from the request's root: `/blocks/0/text/text`. */
  pointer: string;
  /** Set where Slack has an error code of its own instead of `invalid_blocks`. */
  code?: string;
}

export type Surface = 'message' | 'modal' | 'home';

/** What a whole message or view is checked against as its parts are visited. */
export interface Visit {
  readonly surface: Surface;
  readonly problems: Problem[];
  readonly blockIds: Set<string>;
  /** Unique within one block only. */
  actionIds: Set<string>;
  focused: number;
}

export type Check = (value: unknown, at: string, visit: Visit) => void;

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function report(visit: Visit, at: string, message: string, code?: string): void {
  visit.problems.push(code === undefined ? { message, pointer: at } : { message, pointer: at, code });
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Own properties only, so that a field called `constructor` is an unknown field. */
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

export function object(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  also?: (value: Json, at: string, visit: Visit) => void,
): Check {
  return (value, at, visit) => {
    if (!isObject(value)) {
      report(visit, at, 'must provide an object');
      return;
    }
    for (const key of required) {
      if (value[key] === undefined || value[key] === null)
        report(visit, at, `missing required field: ${key}`);
    }
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'type') continue;
      const check = own(fields, key);
      if (check === undefined) report(visit, at, `invalid additional property: ${key}`);
      // Slack takes null for "left out".
      else if (inner !== undefined && inner !== null) check(inner, `${at}/${escaped(key)}`, visit);
    }
    also?.(value, at, visit);
  };
}

/** An object whose `type` says which shape it has. */
export function oneOfTypes(shapes: Readonly<Record<string, Check>>): Check {
  return (value, at, visit) => {
    if (!isObject(value)) {
      report(visit, at, 'must provide an object');
    } else if (typeof value.type !== 'string') {
      report(visit, at, 'missing required field: type');
    } else {
      const shape = own(shapes, value.type);
      if (shape === undefined) report(visit, `${at}/type`, `unsupported type: ${value.type}`);
      else shape(value, at, visit);
    }
  };
}

export function string(max: number, min = 0): Check {
  return (value, at, visit) => {
    if (typeof value !== 'string') report(visit, at, 'must provide a string');
    else if (value.length > max) report(visit, at, `must be less than ${max + 1} characters`);
    else if (value.length < min) report(visit, at, `must be more than ${min - 1} characters`);
  };
}

export function list(item: Check, max: number, min = 1): Check {
  return (value, at, visit) => {
    if (!Array.isArray(value)) {
      report(visit, at, 'must provide an array');
      return;
    }
    if (value.length > max) report(visit, at, `no more than ${max} items allowed`);
    if (value.length < min) report(visit, at, `must provide at least ${min} items`);
    // What is far above a limit is not walked through: one problem says it.
    for (const [index, inner] of value.slice(0, max).entries()) item(inner, `${at}/${index}`, visit);
  };
}

export const boolean: Check = (value, at, visit) => {
  if (typeof value !== 'boolean') report(visit, at, 'must provide a boolean');
};

export function number(min: number, max: number, whole = true): Check {
  return (value, at, visit) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
      report(visit, at, whole ? 'must provide an integer' : 'must provide a number');
    } else if (value > max) report(visit, at, `must be less than or equal to ${max}`);
    else if (value < min) report(visit, at, `must be greater than or equal to ${min}`);
  };
}

export function oneOf(...allowed: string[]): Check {
  return (value, at, visit) => {
    if (typeof value !== 'string' || !allowed.includes(value)) {
      report(visit, at, `must be one of: ${allowed.join(', ')}`);
    }
  };
}

export function pattern(expression: RegExp, says: string): Check {
  return (value, at, visit) => {
    if (typeof value !== 'string' || !expression.test(value)) report(visit, at, says);
  };
}

export function all(...checks: Check[]): Check {
  return (value, at, visit) => {
    for (const check of checks) check(value, at, visit);
  };
}

export const anything: Check = () => {};
