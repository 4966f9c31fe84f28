/** All state of the bot. */
import type { AlertStore } from './alert-store.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { CompilationStore } from './compilation-store.ts';
import type { ComponentStore } from './component-store.ts';
import type { EventClaims, EventStore } from './event-store.ts';
import type { FencedStore } from './fences.ts';
import type { JobStore } from './job-store.ts';
import type { OnceStore } from './once-store.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { RefusalStore } from './refusal-store.ts';
import type { SubscriptionStore } from './subscription-store.ts';
import type { TailStore } from './tail-store.ts';
import type { TimerStore } from './timer-store.ts';
import type { UnfinishedStore } from './unfinished-store.ts';
import type { ViewerStore } from './viewer-store.ts';

export interface Store
  extends AuditTrail,
    JobStore,
    RefusalStore,
    CompilationStore,
    ComponentStore,
    EventStore,
    EventClaims,
    OutboxStore,
    AlertStore,
    SubscriptionStore,
    TimerStore,
    TailStore,
    UnfinishedStore,
    ViewerStore,
    OnceStore,
    FencedStore<Store>,
    StoreHealth {
  close(): Promise<void>;
}

export interface StoreHealth {
  /**
   * What is known to keep changes from being stored; undefined: nothing. It clears by itself once there is room
   * again, without anybody storing something.
   */
  problem(): string | undefined;
}
