/** The use case "Line 3 defects": where its jobs run, and what its models look for. */
import type { Place } from './job-maker.ts';

export const LINE_3: Place = {
  account: '123456789012',
  region: 'eu-west-1',
  bucket: 'foundry-line-3-ml',
  models: 'line-3-models',
  owner: 'ada',
  project: 'line-3-defects',
};
export const CLASSES = ['scratch', 'dent', 'glare', 'weld-splatter'];
