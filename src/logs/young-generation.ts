import { setFlagsFromString } from 'node:v8';

/**
 * What comes off a socket lives for microseconds, but V8 lets the young generation grow to 16 MB, with the dead 64 kB chunks
 * that hang on it, before it collects. Kept small it saves some 25 MB of resident memory and costs no time. To be called
 * before most modules are loaded: V8 does not shrink it again.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
