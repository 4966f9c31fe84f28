import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEventPattern } from '../../src/aws/event-pattern.ts';

const matches = (pattern: unknown, event: unknown) => parseEventPattern(JSON.stringify(pattern))(event);

const EVENT = {
  source: 'aws.sagemaker',
  'detail-type': 'SageMaker Training Job State Change',
  resources: ['arn:a', 'arn:b'],
  detail: {
    TrainingJobName: 'defects-resnet50',
    TrainingJobStatus: 'Failed',
    seconds: 90,
    spot: true,
    reason: null,
    ip: '10.1.2.3',
    none: [],
    parts: [
      { name: 'a', size: 1 },
      { name: 'b', size: 2 },
    ],
  },
};

const detail = (fields: Record<string, unknown>) => ({ detail: fields });

describe('[N1] [O7] event patterns', () => {
  it.each([
    ['a list is alternatives', { source: ['aws.s3', 'aws.sagemaker'] }, true],
    [
      'every field must match',
      { source: ['aws.sagemaker'], detail: { TrainingJobStatus: ['Completed'] } },
      false,
    ],
    ['any element of a list in the event', { resources: ['arn:b'] }, true],
    ['numbers, booleans and null by value', detail({ seconds: [90], spot: [true], reason: [null] }), true],
    ['a number is not its text', detail({ seconds: ['90'] }), false],
    ['prefix', detail({ TrainingJobName: [{ prefix: 'defects-' }] }), true],
    [
      'prefix without case',
      detail({ TrainingJobName: [{ prefix: { 'equals-ignore-case': 'DEFECTS-' } }] }),
      true,
    ],
    ['suffix', detail({ TrainingJobName: [{ suffix: 'net50' }] }), true],
    ['equals-ignore-case', detail({ TrainingJobStatus: [{ 'equals-ignore-case': 'FAILED' }] }), true],
    ['wildcard', detail({ TrainingJobName: [{ wildcard: 'def*-res*50' }] }), true],
    ['wildcard from end to end', detail({ TrainingJobName: [{ wildcard: 'def*-res' }] }), false],
    ['wildcard takes signs of expressions as they are', detail({ ip: [{ wildcard: '10?1*' }] }), false],
    ['anything-but', detail({ TrainingJobStatus: [{ 'anything-but': ['Completed', 'Stopped'] }] }), true],
    ['anything-but does not mean absent', detail({ Nothing: [{ 'anything-but': 'x' }] }), false],
    ['anything-but prefix', detail({ TrainingJobName: [{ 'anything-but': { prefix: 'defects' } }] }), false],
    ['anything-but wildcard', detail({ TrainingJobName: [{ 'anything-but': { wildcard: '*vit*' } }] }), true],
    ['numeric', detail({ seconds: [{ numeric: ['>', 60] }] }), true],
    ['numeric range', detail({ seconds: [{ numeric: ['>=', 0, '<', 90] }] }), false],
    ['cidr', detail({ ip: [{ cidr: '10.0.0.0/8' }] }), true],
    ['cidr elsewhere', detail({ ip: [{ cidr: '192.168.0.0/16' }] }), false],
    ['exists', detail({ spot: [{ exists: true }], other: [{ exists: false }] }), true],
    ['exists is about leaves', detail({ parts: [{ exists: true }] }), false],
    ['an empty list is not there', detail({ none: [{ exists: false }] }), true],
    ['absence below what is absent', detail({ other: { deep: [{ exists: false }] } }), true],
    ['$or', { $or: [{ source: ['x'] }, detail({ seconds: [{ numeric: ['=', 90] }] })] }, true],
    [
      '$or beside other fields',
      { source: ['x'], $or: [{ source: ['aws.sagemaker'] }, { id: ['1'] }] },
      false,
    ],
    ['$or inside', { detail: { $or: [{ spot: [false] }, { seconds: [90] }] } }, true],
    ['one object of a list as a whole', detail({ parts: { name: ['a'], size: [1] } }), true],
    ['not bits of two objects', detail({ parts: { name: ['a'], size: [2] } }), false],
  ])('%s', (_name, pattern, expected) => {
    expect(matches(pattern, EVENT)).toBe(expected);
  });

  it.each([
    ['[]', 'Filter is not an object'],
    ['{"source"', 'Reason'],
    ['{}', 'Empty objects are not allowed'],
    ['{"source": []}', 'Empty arrays are not allowed'],
    ['{"source": "aws.s3"}', '"source" must be an object or an array'],
    ['{"source": [{"begins": "x"}]}', 'Unrecognized match type begins'],
    ['{"source": [{"prefix": "a", "suffix": "b"}]}', 'Only one key allowed'],
    ['{"detail": {"a": [{"numeric": [">"]}]}}', 'numeric'],
    ['{"detail": {"a": [{"numeric": [">", 5, "<", 1]}]}}', 'Bottom must be less than top'],
    ['{"detail": {"a": [{"wildcard": "a**b"}]}}', 'Consecutive wildcard'],
    ['{"detail": {"a": [{"cidr": "10.0.0.0/40"}]}}', 'Malformed CIDR'],
    ['{"detail": {"a": [{"exists": "yes"}]}}', 'true or false'],
    [JSON.stringify({ source: ['x'.repeat(5000)] }), '4096'],
  ])('%s is refused', (pattern, reason) => {
    expect(() => parseEventPattern(pattern)).toThrow(
      expect.objectContaining({
        code: 'InvalidEventPatternException',
        message: expect.stringContaining(reason),
      }),
    );
  });

  // Names that mean something to objects or to patterns are other tests' business.
  const key = fc
    .string({ minLength: 1, maxLength: 6 })
    .filter((name) => name !== '$or' && name !== '__proto__');
  const leaf = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(null));
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie('tree')), {
      minKeys: 1,
      maxKeys: 4,
      noNullPrototype: true,
    }),
  }));
  const patternOf = (value: unknown): unknown =>
    Object.fromEntries(
      Object.entries(value as object).map(([name, member]) => [
        name,
        typeof member === 'object' && member !== null ? patternOf(member) : [member],
      ]),
    );

  it('any event matches the pattern of its own values, and still does with more in it', () => {
    fc.assert(
      fc.property(tree, tree, (event, more) => {
        const pattern = patternOf(event);
        if (JSON.stringify(pattern).length > 4096) return;
        expect(matches(pattern, event)).toBe(true);
        expect(matches(pattern, { ...(more as object), ...(event as object) })).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('anything-but is the opposite of the same list, for what is there', () => {
    const value = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(value, fc.array(value, { minLength: 1, maxLength: 3 }), (given, excluded) => {
        const one = matches({ x: excluded }, { x: given });
        expect(matches({ x: [{ 'anything-but': excluded }] }, { x: given })).toBe(!one);
      }),
      { numRuns: 200 },
    );
  });

  it('a wildcard finds what it was made from, whatever was replaced by stars', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 5 }), { minLength: 2, maxLength: 4 }), (parts) => {
        const escaped = parts.map((part) => part.replace(/[\\*]/g, '\\$&'));
        const text = parts.join('between');
        const pattern = escaped.join('*');
        fc.pre(!parts.slice(1, -1).includes('')); // Stars side by side are refused.
        expect(matches({ x: [{ wildcard: pattern }] }, { x: text })).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
