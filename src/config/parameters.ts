/** Typed parameters of templates, as runner.yaml and signalbox.yaml write them. */
import { z } from 'zod';

export const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const parameterName = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

const parameter = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), pattern: z.string(), default: scalar.optional() }),
  z.strictObject({
    type: z.enum(['number', 'integer']),
    min: z.number().optional(),
    max: z.number().optional(),
    default: scalar.optional(),
  }),
  z.strictObject({ type: z.literal('choice'), values: z.array(scalar).min(1), default: scalar.optional() }),
]);

export const parametersSection = z.record(z.string().regex(parameterName), parameter);

/** @param at the section's place in the file: `templates.*.parameters` */
export function parameterGuides(at: string): Record<string, { expected: string; example: string }> {
  return {
    [at]: {
      expected: 'parameters by name',
      example: 'parameters: { lr: { type: number, min: 0, max: 1, default: 0.01 } }',
    },
    [`${at}.*`]: {
      expected:
        'a parameter: { type: text, pattern } · { type: number or integer, min, max } · { type: choice, values }',
      example: 'data: { type: text, pattern: "[a-z0-9-]+" }',
    },
    [`${at}.*.type`]: { expected: 'text, number, integer or choice', example: 'lr: { type: number }' },
    [`${at}.*.pattern`]: {
      expected: 'a regular expression (RE2) that the whole text has to match',
      example: 'pattern: "[a-z0-9-]+"',
    },
    [`${at}.*.values`]: { expected: 'a list of values', example: 'values: [adam, sgd]' },
    [`${at}.*.default`]: { expected: 'a text or number', example: 'default: 0.01' },
    [`${at}.*.min`]: { expected: 'a number', example: 'min: 0' },
    [`${at}.*.max`]: { expected: 'a number', example: 'max: 1' },
  };
}
