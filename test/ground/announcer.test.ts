import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Announcer } from '../../src/ground/announcer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an announcer', () => {
  it('tells the first value at once, and many that follow as one', () => {
    const announcer = new Announcer<number>(20);
    const heard: number[] = [];
    announcer.add((value) => heard.push(value));
    for (let value = 1; value <= 5; value += 1) announcer.tell(value);
    expect(heard).toEqual([1]);
    expect(announcer.isPausing).toBe(true);
    vi.advanceTimersByTime(20);
    expect(heard).toEqual([1, 5]);
    vi.advanceTimersByTime(20);
    expect(announcer.isPausing).toBe(false);
    announcer.tell(6);
    expect(heard).toEqual([1, 5, 6]);
  });

  it('tells who comes later what is known, unless they have gone by then', async () => {
    const announcer = new Announcer<string>(20);
    announcer.tell('known');
    const heard: string[] = [];
    const listener = (value: string) => heard.push(value);
    const [one, two] = [announcer.add(listener), announcer.add(listener)];
    expect(two()).toBe(1);
    await Promise.resolve();
    expect(heard).toEqual(['known']);
    expect(one()).toBe(0);
  });

  it('is silent once it is stopped', () => {
    const announcer = new Announcer<number>(20);
    const heard: number[] = [];
    announcer.add((value) => heard.push(value));
    announcer.tell(1);
    announcer.tell(2);
    announcer.stop();
    vi.advanceTimersByTime(100);
    announcer.tell(3);
    expect(heard).toEqual([1]);
    expect(announcer.newest).toBe(2);
  });
});
