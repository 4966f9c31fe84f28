import { describe, expect, it } from 'vitest';
import { AnsweringTimes } from '../../src/aws/answering-times.ts';

function seen(host: string, ...waits: number[]): { isEmulator: boolean; isNear: boolean } {
  const times = new AnsweringTimes();
  for (const wait of waits) times.add(host, wait);
  const { isEmulator, isNear } = times;
  return { isEmulator, isNear };
}

describe('[L5] an endpoint, by how fast it begins to answer', () => {
  it.each([
    ['logs.us-east-1.amazonaws.com', [1, 1, 1], { isEmulator: false, isNear: false }],
    ['127.0.0.1', [], { isEmulator: false, isNear: false }],
    ['127.0.0.1', [150, 150], { isEmulator: false, isNear: false }],
    ['127.0.0.1', [20, 150], { isEmulator: true, isNear: false }],
    ['localhost', [3, 30, 30], { isEmulator: true, isNear: true }],
    // It lists at once and takes its time for pages.
    ['localhost', [3, ...Array<number>(8).fill(30)], { isEmulator: true, isNear: false }],
  ])('%s after %j ms is %j', (host, waits, expected) => {
    expect(seen(host, ...waits)).toEqual(expected);
  });
});
