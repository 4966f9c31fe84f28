import { describe, expect, it } from 'vitest';
import { metricPlace, metricValue } from '../../src/domain/metric-words.ts';

describe('a metric’s value in words', () => {
  it.each([
    [0.123456, '0.1235'],
    [12350.4, '12,350'],
    [1.23456e-7, '1.235e-7'],
    [1e9, '1e9'],
    [0, '0'],
    [-3, '-3'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-∞'],
  ])('%d is %s', (value, text) => expect(metricValue(value)).toBe(text));

  it('names places on the axis by their whole number, or by a part of it', () => {
    expect([12000, 0.33, 1e15].map(metricPlace)).toEqual(['12,000', '0.33', '1.0000e15']);
  });
});
