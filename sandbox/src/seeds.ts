/** What AWS and RunPod worlds are made of where a file does not do: jobs, logs made while they are read, archives, devices. */
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
export { type ClusterSeed, clusterId } from './aws/kinds/clusters.ts';
export type { KindSeeds } from './aws/kinds/index.ts';
export { instanceId } from './aws/kinds/instance-id.ts';
export type { ExecutionSeed, StepSeed } from './aws/kinds/pipelines.ts';
export { childName, type TuningChild, type TuningSeed } from './aws/kinds/tuning-request.ts';
export type { WorkSeed, WorkTransition } from './aws/kinds/work.ts';
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
export type { PodTemplate } from './runpod/pod-request.ts';
export { CLASSIFIER, fixedProgram, type PodProgram, type ProgramPod } from './runpod/program.ts';
export type { PodSeed, RunpodKey, RunpodWorld } from './runpod/seed.ts';
