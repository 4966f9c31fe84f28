/**
 * EventBridge's event patterns: parsed once, with the service's kind of complaint, then matched against
 * events. A field matches when any of the alternatives in its list does; all fields must match.
 * The comparison operators are those of the "Comparison operators for use in event patterns" page of
 * EventBridge's guide.
 */
import { BlockList, isIP } from 'node:net';
import { AwsError } from './errors.ts';

/** A parsed pattern: says whether an event matches. */
export type EventMatcher = (event: unknown) => boolean;

/** One alternative of a field; `undefined` is a field that is absent, or not a leaf. */
type LeafTest = (value: unknown) => boolean;

/** Lengths AWS documents: a pattern's text, and how deep it may nest. */
const MAX_PATTERN_CHARS = 4096;
const MAX_DEPTH = 100;

/** @throws AwsError InvalidEventPatternException saying where and why */
export function parseEventPattern(text: string): EventMatcher {
  if (text.length > MAX_PATTERN_CHARS) throw invalid(`It is longer than ${MAX_PATTERN_CHARS} characters`);
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'It is not JSON');
  }
  if (!isObject(pattern)) throw invalid('Filter is not an object');
  if (Object.keys(pattern).length === 0) throw invalid('Empty objects are not allowed');
  return parseObject(pattern, '', 0);
}

function parseObject(pattern: Record<string, unknown>, path: string, depth: number): EventMatcher {
  if (depth > MAX_DEPTH) throw invalid(`It nests deeper than ${MAX_DEPTH} levels`);
  const fields = Object.entries(pattern).map(([name, wanted]) => parseField(name, wanted, path, depth));
  return (event) => fields.every((field) => field(event));
}

function parseField(name: string, wanted: unknown, path: string, depth: number): EventMatcher {
  const here = path === '' ? name : `${path}.${name}`;
  // A field of an event may be called "$or" too: then its alternatives are not all objects.
  if (name === '$or' && Array.isArray(wanted) && wanted.length > 1 && wanted.every(isPatternObject)) {
    const branches = wanted.map((branch) => parseObject(branch as Record<string, unknown>, path, depth + 1));
    return (event) => branches.some((branch) => branch(event));
  }
  if (Array.isArray(wanted)) {
    if (wanted.length === 0) throw invalid('Empty arrays are not allowed', here);
    const tests = wanted.map((alternative) => parseAlternative(alternative, here));
    return (event) => matchesLeaf(member(event, name), tests);
  }
  if (!isObject(wanted)) throw invalid(`"${here}" must be an object or an array`, here);
  if (Object.keys(wanted).length === 0) throw invalid('Empty objects are not allowed', here);
  const inner = parseObject(wanted, here, depth + 1);
  return (event) => {
    const value = member(event, name);
    // A list of objects matches when one of them matches as a whole.
    return Array.isArray(value) && value.length > 0 ? value.some((item) => inner(item)) : inner(value);
  };
}

function matchesLeaf(value: unknown, tests: readonly LeafTest[]): boolean {
  const leaves = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  const present = leaves.filter((leaf) => leaf !== undefined && (leaf === null || typeof leaf !== 'object'));
  // Nothing there: only `exists: false` may still say yes.
  if (present.length === 0) return tests.some((test) => test(undefined));
  return tests.some((test) => present.some((leaf) => test(leaf)));
}

function parseAlternative(alternative: unknown, path: string): LeafTest {
  if (!isObject(alternative)) {
    if (Array.isArray(alternative)) throw invalid('Match value must be a scalar or an object', path);
    return (value) => value === alternative;
  }
  const keys = Object.keys(alternative);
  const [operator] = keys;
  if (operator === undefined || keys.length > 1)
    throw invalid('Only one key allowed in match expression', path);
  const parse = OPERATORS[operator];
  if (!parse) throw invalid(`Unrecognized match type ${operator}`, path);
  return parse(alternative[operator], path);
}

const OPERATORS: Readonly<Record<string, (operand: unknown, path: string) => LeafTest>> = {
  prefix: (operand, path) => ends('prefix', operand, path),
  suffix: (operand, path) => ends('suffix', operand, path),
  'equals-ignore-case': (operand, path) => {
    const wanted = text('equals-ignore-case', operand, path).toLowerCase();
    return (value) => typeof value === 'string' && value.toLowerCase() === wanted;
  },
  wildcard: (operand, path) => {
    const regex = wildcardRegex(text('wildcard', operand, path), path);
    return (value) => typeof value === 'string' && regex.test(value);
  },
  exists: (operand, path) => {
    if (typeof operand !== 'boolean')
      throw invalid('exists match pattern must be either true or false.', path);
    return (value) => (value !== undefined) === operand;
  },
  numeric: parseNumeric,
  cidr: parseCidr,
  'anything-but': parseAnythingBut,
};

function ends(operator: 'prefix' | 'suffix', operand: unknown, path: string): LeafTest {
  const method = operator === 'prefix' ? 'startsWith' : 'endsWith';
  if (isObject(operand)) {
    const [key] = Object.keys(operand);
    if (key !== 'equals-ignore-case') throw invalid(`Unsupported ${operator} pattern: ${String(key)}`, path);
    const wanted = text(operator, operand[key], path).toLowerCase();
    return (value) => typeof value === 'string' && value.toLowerCase()[method](wanted);
  }
  const wanted = text(operator, operand, path);
  return (value) => typeof value === 'string' && value[method](wanted);
}

/** Neither of the listed values, and there: an absent field is not "anything". */
function parseAnythingBut(operand: unknown, path: string): LeafTest {
  if (isObject(operand)) {
    const [operator = ''] = Object.keys(operand);
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator)) {
      throw invalid(`Unsupported anything-but pattern: ${operator}`, path);
    }
    const operands = Array.isArray(operand[operator])
      ? (operand[operator] as unknown[])
      : [operand[operator]];
    if (operands.length === 0) throw invalid('Empty arrays are not allowed', path);
    const tests = operands.map((one) => OPERATORS[operator]!(one, path));
    return (value) => value !== undefined && !tests.some((test) => test(value));
  }
  const excluded = Array.isArray(operand) ? operand : [operand];
  if (excluded.length === 0) throw invalid('Empty arrays are not allowed', path);
  for (const value of excluded) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalid('Inside anything but list, start|null|boolean is not supported.', path);
    }
  }
  return (value) => value !== undefined && !excluded.includes(value);
}

/** `["=", 5]`, `[">", 0]`, `[">=", 0, "<", 5]`; EventBridge compares from −5e9 to 5e9. */
function parseNumeric(operand: unknown, path: string): LeafTest {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw invalid('Value of numeric must be an array of an operator and a number, once or twice', path);
  }
  const comparisons: ((value: number) => boolean)[] = [];
  for (let index = 0; index < operand.length; index += 2) {
    const [operator, bound] = [operand[index] as unknown, operand[index + 1] as unknown];
    const compare = COMPARE[String(operator)];
    if (!compare) throw invalid(`Unrecognized numeric range operator: ${String(operator)}`, path);
    if (typeof bound !== 'number' || Math.abs(bound) > 5e9) {
      throw invalid('Value of numeric range must be a number between -5.0E9 and 5.0E9', path);
    }
    comparisons.push((value) => compare(value, bound));
  }
  const [first, , second] = operand as [string, number, string | undefined, number | undefined];
  if (second !== undefined && !(/^>=?$/.test(first) && /^<=?$/.test(second))) {
    throw invalid('Bad numeric range operator: a range is a lower bound, then an upper one', path);
  }
  if (second !== undefined && (operand[1] as number) >= (operand[3] as number)) {
    throw invalid('Bottom must be less than top', path);
  }
  return (value) => typeof value === 'number' && comparisons.every((holds) => holds(value));
}

const COMPARE: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

function parseCidr(operand: unknown, path: string): LeafTest {
  const range = text('cidr', operand, path);
  const [network = '', bits = ''] = range.split('/');
  const version = isIP(network);
  const prefix = Number(bits);
  const longest = version === 4 ? 32 : 128;
  if (version === 0 || !/^\d+$/.test(bits) || prefix > longest)
    throw invalid(`Malformed CIDR: ${range}`, path);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return (value) => typeof value === 'string' && isIP(value) === version && list.check(value, family);
}

function wildcardRegex(pattern: string, path: string): RegExp {
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index]!;
    if (char === '\\') {
      const next = pattern[index + 1];
      if (next !== '*' && next !== '\\') throw invalid(`Invalid escape character at pos ${index}`, path);
      source += `\\${next}`;
      index++;
    } else if (char === '*') {
      if (pattern[index + 1] === '*') {
        throw invalid(`Consecutive wildcard characters at pos ${index}`, path);
      }
      source += '.*';
    } else source += char.replace(/[.+?^${}()|[\]/]/, '\\$&');
  }
  return new RegExp(`^${source}$`, 's');
}

function text(operator: string, operand: unknown, path: string): string {
  if (typeof operand === 'string' && (operand !== '' || operator === 'equals-ignore-case')) return operand;
  throw invalid(`${operator} match pattern must be a string that is not empty`, path);
}

const member = (event: unknown, name: string): unknown =>
  isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A branch of `$or` has fields; an object that is one comparison operator is a value's test. */
const isPatternObject = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length > 0 &&
  !(Object.keys(value).length === 1 && Object.hasOwn(OPERATORS, Object.keys(value)[0]!));

function invalid(reason: string, path?: string): AwsError {
  const at = path === undefined ? '' : ` (at "${path}")`;
  return new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}${at}`);
}
