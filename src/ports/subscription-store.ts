/** State: what channels want to hear. */
import type { ChannelSettings, Subscription } from '../domain/subscriptions.ts';

/** Every method returns once its changes are durable. */
export interface SubscriptionStore {
  /** Replaces one with the same id. */
  putSubscription(subscription: Subscription): Promise<void>;
  /** @returns false: there was none */
  removeSubscription(id: string): Promise<boolean>;
  /** Oldest first. */
  listSubscriptions(query?: { useCase?: string; channel?: string }): Promise<Subscription[]>;
  /** As `changeJob`, by the channel's id. If `change` throws, nothing is written and the error is passed on. */
  changeChannelSettings(
    channel: string,
    change: (settings: ChannelSettings | undefined) => ChannelSettings | undefined,
  ): Promise<ChannelSettings | undefined>;
  listChannelSettings(): Promise<ChannelSettings[]>;
}
