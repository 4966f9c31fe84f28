/** What Greengrass's operations read alike: pages, tags, and the form of times. */
import { AwsError } from './errors.ts';
import { pageOf } from './page-tokens.ts';
import type { AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

/** What the service calls a broken constraint. */
export const INVALID = 'ValidationException';
export const TOKEN = { min: 1, max: 64, pattern: '[a-zA-Z0-9-]+' };
const DEFAULT_PAGE = 50;

export function paged(call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const limit = read.number('maxResults', { min: 1, max: 100 }) ?? DEFAULT_PAGE;
  const token = read.text('nextToken');
  const page = <T>(items: readonly T[]) => {
    try {
      return pageOf(items, limit, token, call.now);
    } catch (error) {
      // Other services have another name for it.
      throw error instanceof AwsError ? new AwsError(INVALID, error.message) : error;
    }
  };
  return { read, page };
}

export const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

export function readTags(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(asObject(value)).map(([key, text]) => [key, String(text)]));
}

/** REST-JSON bodies carry times as seconds with a fraction. */
export const seconds = (at: number) => at / 1000;
