/** Single values, as both configuration files write them. */
import { z } from 'zod';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

export const size = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d+(\.\d+)?\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$/)])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const [, number, unit] = /^([\d.]+)\s*(\w+)$/.exec(value) ?? [];
    return Math.round(Number(number) * (SIZE_UNITS[unit ?? 'B'] ?? 1));
  });

export const duration = z.string().regex(/^\d+(ms|s|m|h|d)$/);
export const text = z.string().trim().min(1);
export const url = z.url({ protocol: /^https?$/ });
/** Of the environment. */
export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
