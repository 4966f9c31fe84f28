/** State: alerts and mutes. */
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';

/** Every method returns once what it did is durable. */
export interface AlertStore {
  getAlert(id: string): Promise<Alert | undefined>;
  /** Newest first. */
  listAlerts(query: { useCase?: string; unresolved?: boolean; limit: number }): Promise<Alert[]>;
  /**
   * Atomic read-modify-write of the group's unresolved alert, or of none. At most one of a group is unresolved.
   * Nothing happens when any alert of the use case, also a resolved one, has a subject of that id.
   * @param change as of `changeJob`; may bring an alert to be opened
   */
  changeAlertOfGroup(
    key: { useCase: string; group: string; subject: string },
    change: (alert: Alert | undefined) => Alert | undefined,
  ): Promise<Alert | undefined>;
  /** Atomic; as `changeJob`. @throws AppError not_found */
  changeAlert(id: string, change: (alert: Alert) => Alert): Promise<Alert>;
  /** The alert that the subject is part of. */
  findAlertOfSubject(useCase: string, subject: string): Promise<Alert | undefined>;
  /** Replaces one of the same id. */
  putMute(mute: Mute): Promise<void>;
  /** Done also when it is gone. */
  removeMute(id: string): Promise<void>;
  listMutes(useCase?: string): Promise<Mute[]>;
}
