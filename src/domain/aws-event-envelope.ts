/** What the details of all types of events have in common: the envelope around them, names, and times in three forms. */
import { z } from 'zod';
import type { EpochMs } from '../ground/time.ts';
import type { EventCommon } from './aws-event-kinds.ts';

const SECONDS_UNTIL = 1e11;

/** Numbers are milliseconds, or seconds when they are too small for that; also as text; else ISO 8601. */
export const time = z.union([z.number(), z.string().min(1)]).transform((value, context): EpochMs => {
  const number = typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
  const at =
    number === undefined ? Date.parse(String(value)) : number < SECONDS_UNTIL ? number * 1000 : number;
  if (Number.isFinite(at) && at > 0 && at < 8.64e15) return Math.round(at);
  context.addIssue({ code: 'custom', message: 'expected a time' });
  return z.NEVER;
});
export const text = z.string().trim().min(1);
/** A field that is empty or of another type counts as absent. */
export const optional = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);
/** The machines of a job. */
export const instances = z.object({
  InstanceType: optional(text),
  InstanceCount: optional(z.coerce.number().int().positive()),
});

export const envelope = z.object({
  id: text.max(256),
  source: text,
  'detail-type': text,
  account: z.string().regex(/^\d{12}$/),
  region: text,
  time,
  resources: z.array(z.string()).catch([]),
  'replay-name': optional(text),
  detail: z.record(z.string(), z.unknown()),
});
export type Envelope = z.output<typeof envelope>;

/** Words that mean that there is nothing. */
export class Missing extends Error {}

export const common = (from: Envelope, resource: string, at = from.time): EventCommon => ({
  id: from.id,
  account: from.account,
  region: from.region,
  at,
  resource,
  replayed: from['replay-name'] !== undefined,
});
