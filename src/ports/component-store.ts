/** State: component versions. */
import type { Component } from '../domain/components.ts';

export interface ComponentStore {
  /** @throws AppError conflict when the use case already has a component with this name and version */
  addComponent(component: Component): Promise<void>;
  /** Atomic; as `changeJob`. @throws AppError not_found */
  changeComponent(
    key: { useCase: string; name: string; version: string },
    change: (component: Component) => Component,
  ): Promise<Component>;
  /** Oldest first. `settled: false`: only those that Greengrass is still working on. */
  listComponents(query: { useCase?: string; job?: string; settled?: boolean }): Promise<Component[]>;
}
