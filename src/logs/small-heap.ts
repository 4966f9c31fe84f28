import { setFlagsFromString } from 'node:v8';

/**
 * Two settings of V8's garbage collection, to be called before most modules are loaded: what has grown does not shrink again.
 *
 * What comes off a socket lives for microseconds, but V8 lets the young generation grow to 16 MB, with the dead 64 kB chunks
 * that hang on it, before it collects. Kept small it saves some 25 MB of resident memory and costs no time.
 *
 * Small as it is, what a page needs grows old in it, and V8 would let the old generation double before it collects that. Once
 * a quarter has been added is early enough: a download of 398 MB in the bot takes 50 MB less, for the same processor time.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=25');
}
