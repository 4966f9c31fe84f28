/** All state of the bot. */
import type { AlertStore } from './alert-store.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { CompilationStore } from './compilation-store.ts';
import type { ComponentStore } from './component-store.ts';
import type { EventStore } from './event-store.ts';
import type { FencedStore } from './fences.ts';
import type { JobStore } from './job-store.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { SubscriptionStore } from './subscription-store.ts';
import type { TimerStore } from './timer-store.ts';
import type { UnfinishedStore } from './unfinished-store.ts';
import type { ViewerStore } from './viewer-store.ts';

export interface Store
  extends AuditTrail,
    JobStore,
    CompilationStore,
    ComponentStore,
    EventStore,
    OutboxStore,
    AlertStore,
    SubscriptionStore,
    TimerStore,
    UnfinishedStore,
    ViewerStore,
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
