/** Events that any instance tells of: all that there is to say is in them and in the store. */
import type { AwsEvent, AwsEventKind } from '../domain/aws-events.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { alarmNotifier } from './alarms.ts';
import { deviceNotifier } from './components.ts';
import { modelNotifier } from './models.ts';
import type { ReportDeps } from './notifier.ts';

type Handler<K extends AwsEventKind> = (
  event: Extract<AwsEvent, { kind: K }>,
  useCase: UseCase,
  signal: AbortSignal,
) => Promise<void>;

/** A source of events: `events/ingest.ts`, `events/claimed-events.ts`. */
export interface EventSourceOf {
  on<K extends AwsEventKind>(kind: K, handler: Handler<K>): void;
}

/** Call it before events are taken. */
export function attachReports(deps: ReportDeps, events: EventSourceOf): void {
  const devices = deviceNotifier(deps);
  const alarms = alarmNotifier(deps);
  const models = modelNotifier(deps);
  events.on('model-package', (event, useCase) => models.onModelPackage(event, useCase));
  events.on('endpoint-deployment', (event, useCase) => models.onEndpointDeployment(event, useCase));
  events.on('deployment', (event, useCase) => devices.onDeployment(event, useCase));
  events.on('installed-component', (event, useCase) => devices.onInstalled(event, useCase));
  events.on('alarm', (event, useCase) => alarms.onAlarm(event, useCase));
}
