/** State: what channels want to hear. */
import type { ChannelSettings, Subscription } from '../domain/subscriptions.ts';

/** Every method returns once what it did is durable. */
export interface SubscriptionStore {
  /** Replaces one of the same id. */
  putSubscription(subscription: Subscription): Promise<void>;
  /** @returns false: there was none */
  removeSubscription(id: string): Promise<boolean>;
  /** Oldest first. */
  listSubscriptions(query?: { useCase?: string; channel?: string }): Promise<Subscription[]>;
  /** As `changeJob`, by the channel's id. What `change` throws is passed on, and nothing is written. */
  changeChannelSettings(
    channel: string,
    change: (settings: ChannelSettings | undefined) => ChannelSettings | undefined,
  ): Promise<ChannelSettings | undefined>;
  listChannelSettings(): Promise<ChannelSettings[]>;
}
