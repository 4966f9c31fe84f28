/** What an AWS world is made of where a file does not do: jobs, logs made while they are read, archives, devices. */
export type { AlarmSeed } from './aws/alarms.ts';
export { type BulkLogOptions, bulkStreams, bulkWorld } from './aws/bulk-log.ts';
export type { CompilationSeed } from './aws/compilations.ts';
export type { ComponentSeed } from './aws/component-store.ts';
export type { EventBusSeed, RuleTarget } from './aws/event-buses.ts';
export {
  type EventSchedule,
  type EventSeries,
  firstIndex,
  lazySeries,
  writtenSeries,
} from './aws/event-series.ts';
export type { CoreDeviceSeed, DeploymentSeed, InstalledSeed } from './aws/fleet.ts';
export { type RoleSeed, type UserSeed, uniqueId } from './aws/iam.ts';
export { closeContainer, type LogScript, openContainer, scripted } from './aws/log-script.ts';
export type { LogGroupSeed, LogStreamSeed } from './aws/log-store.ts';
export { filler, type ModelCard, modelArchive } from './aws/model-card.ts';
export type { BucketSeed } from './aws/object-store.ts';
export type { PolicyDocument, Statement } from './aws/policy.ts';
export type { QueueSeed } from './aws/queue-store.ts';
export { checkRecipe } from './aws/recipe.ts';
export { burstySchedule, steadySchedule } from './aws/schedules.ts';
export type { AccountSeed, AwsWorld, ObjectSeed, RegionSeed } from './aws/seed.ts';
export { type TarEntry, type TarFile, writeTarGz } from './aws/tar.ts';
export { trainedCard } from './aws/trained-model.ts';
export { TRAINING_LOG_GROUP, type TrainingJobSeed, type TrainingTransition } from './aws/training.ts';
export { hash32, type Random, randomFrom } from './random.ts';
