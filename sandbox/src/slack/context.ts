/** What the sandbox's parts share. */

import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import type { AppLink } from './app-link.ts';
import type { Events } from './events.ts';
import type { Files } from './files.ts';
import type { AppManifest } from './manifest.ts';
import type { RateLimits } from './rate-limits.ts';
import type { ResponseUrls } from './response-urls.ts';
import type { Triggers } from './triggers.ts';
import type { Views } from './views.ts';
import type { Workspace } from './workspace.ts';

export interface Secrets {
  botToken: string;
  appToken: string;
  signingSecret: string;
  /** The legacy token in every payload. */
  verificationToken: string;
}

interface Timing {
  /** How long an ack may take. */
  ackMs: number;
  /** How long after `files.completeUploadExternal` a file shows up. */
  shareDelayMs: number;
}

export interface Context {
  readonly clock: Clock;
  readonly manifest: AppManifest;
  readonly secrets: Secrets;
  readonly timing: Timing;
  readonly workspace: Workspace;
  readonly views: Views;
  readonly triggers: Triggers;
  readonly responseUrls: ResponseUrls;
  readonly rateLimits: RateLimits;
  readonly files: Files;
  readonly faults: FaultPlan;
  readonly events: Events;
  /** Changes when a request URL is set. */
  link: AppLink;
  /** For `apps.connections.open`; undefined while the app gets HTTP requests. */
  socketUrl(): string | undefined;
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  /** Aborted when the sandbox closes. */
  readonly ended: AbortSignal;
}
