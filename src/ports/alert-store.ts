/** State: alerts and mutes. */
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';

/** Every method returns once its changes are durable. */
export interface AlertStore {
  getAlert(id: string): Promise<Alert | undefined>;
  /** Newest first. */
  listAlerts(query: { useCase?: string; unresolved?: boolean; limit: number }): Promise<Alert[]>;
  /**
   * Atomic read-modify-write of the group's unresolved alert, of which there is at most one.
   * Does nothing if any alert of the use case, resolved or not, has a subject with that id.
   * @param change as for `changeJob`; opens an alert if there is none and it returns one
   */
  changeAlertOfGroup(
    key: { useCase: string; group: string; subject: string },
    change: (alert: Alert | undefined) => Alert | undefined,
  ): Promise<Alert | undefined>;
  /** Atomic; as `changeJob`. @throws AppError not_found */
  changeAlert(id: string, change: (alert: Alert) => Alert): Promise<Alert>;
  /** The alert that the subject is part of. */
  findAlertOfSubject(useCase: string, subject: string): Promise<Alert | undefined>;
  /** Replaces one with the same id. */
  putMute(mute: Mute): Promise<void>;
  /** Also succeeds if it is gone already. */
  removeMute(id: string): Promise<void>;
  listMutes(useCase?: string): Promise<Mute[]>;
}
