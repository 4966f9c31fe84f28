/** Members of SQS's requests, with the service's words for what is wrong with them. */
import { AwsError } from './errors.ts';

export function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw missing(name);
}

export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new AwsError(
    'InvalidParameterValue',
    `Value ${String(value)} for parameter ${name} is invalid. Reason: Must be between ${min} and ${max}, if provided.`,
  );
}

export function list(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new AwsError('SerializationException', 'Expected a list');
}

export function strings(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((value ?? {}) as Record<string, unknown>).map(([key, one]) => [key, String(one)]),
  );
}

export const missing = (name: string) =>
  new AwsError('MissingParameter', `The request must contain the parameter ${name}.`);
