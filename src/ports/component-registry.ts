/** Greengrass components. */
import type { EpochMs } from '../ground/time.ts';

/** Greengrass v2's private components of one account and region. */
export interface ComponentRegistry {
  /**
   * @param recipe YAML or JSON
   * @param clientToken the same token within 8 h gives the same component version again
   * @throws AppError conflict: the version exists and was made by another call
   */
  publish(recipe: string, clientToken: string, signal?: AbortSignal): Promise<{ arn: string }>;
  /** @returns undefined when there is no such version */
  describe(arn: string, signal?: AbortSignal): Promise<ComponentReport | undefined>;
  /** Names with their newest version. */
  list(signal?: AbortSignal): Promise<ComponentSummary[]>;
  /** Every version of a component, newest first; empty when there is no such component. */
  versions(name: string, signal?: AbortSignal): Promise<{ version: string; arn: string }[]>;
}

export interface ComponentReport {
  arn: string;
  name: string;
  version: string;
  state: string;
  message?: string | undefined;
  /** Artifact URI → what is wrong with it. */
  errors: Readonly<Record<string, string>>;
  createdAt: EpochMs;
}

export interface ComponentSummary {
  name: string;
  /** ARN of the component without a version. */
  arn: string;
  latestVersion: string;
  latestArn: string;
  createdAt?: EpochMs | undefined;
}
