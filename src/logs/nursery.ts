import { setFlagsFromString } from 'node:v8';

/**
 * What comes off a socket lives for microseconds, but V8 lets its nursery grow to 16 MB, and with it the pile of dead
 * 64 kB chunks that hang on it, before it looks. A nursery that stays small saves some 25 MB of resident memory
 * and no time is lost by it. Has to be called before most modules are loaded: a nursery that has grown stays so.
 */
export function keepNurserySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
