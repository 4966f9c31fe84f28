/** What may be changed on the AWS side while it runs, and what holds if nothing is said. */
import { EVENTING_DEFAULTS, type EventingSettings } from './eventing.ts';
import type { ListOddities } from './kinds/list.ts';
import type { Quotas } from './quotas.ts';
import type { StoreSettings } from './stores.ts';

/** Times in milliseconds. */
export interface AwsSandboxSettings extends StoreSettings, EventingSettings, ListOddities {
  /** Every answer takes at least this long, as a distant region does; default 0. */
  latencyMs: number;
  /** Plus a random part up to this; default 0. */
  jitterMs: number;
  /** Requests a second by operation, over AWS's own numbers; `off`: no limit. Default: AWS's own. */
  quotas: Quotas;
  /** A log that was silent for this long ends a page and gives empty ones; default 2 h. */
  silenceMs: number;
  /** How many empty pages each silence gives; default 1. */
  emptyPages: number;
  /** How far `lastEventTimestamp` lags; default 1 h. */
  lastEventLagMs: number;
  /** Role sessions end after so many seconds, whatever was asked for; default as asked. */
  sessionSeconds: number | undefined;
}

const DEFAULTS: AwsSandboxSettings = {
  latencyMs: 0,
  jitterMs: 0,
  quotas: {},
  silenceMs: 2 * 3_600_000,
  emptyPages: 1,
  lastEventLagMs: 3_600_000,
  sessionSeconds: undefined,
  emptyListPages: 0,
  repeatedListTokens: false,
  trainingInstances: 100,
  compilationMs: 30_000,
  concurrentCompilations: 50,
  componentMs: 6_000,
  deploymentMs: 20_000,
  ...EVENTING_DEFAULTS,
};

/** @param options may have other fields too: only settings are taken from it */
export function settingsFrom(options: Partial<AwsSandboxSettings>): AwsSandboxSettings {
  const known = Object.keys(DEFAULTS);
  const given = Object.entries(options).filter(
    ([name, value]) => known.includes(name) && value !== undefined,
  );
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
