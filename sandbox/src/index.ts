/**
 * Slack, AWS and RunPod on this machine, for any Slack app and any client of theirs: what the package `signalbox-sandbox`
 * exports.
 */
export type { AwsSandbox, AwsSandboxOptions } from './aws/index.ts';
export { startAwsSandbox } from './aws/index.ts';
export type { AwsSandboxSettings } from './aws/settings.ts';
export { SandboxError, type SandboxErrorCode } from './errors.ts';
export { FaultPlan } from './faults.ts';
export type {
  Block,
  Fault,
  InteractionResult,
  SandboxChannel,
  SandboxFile,
  SandboxMessage,
  SandboxUser,
  SandboxUserGroup,
  SandboxView,
  WorkspaceEvent,
  WorkspaceState,
} from './protocol.ts';
export type { RunpodSandbox, RunpodSandboxOptions, SandboxPod } from './runpod/index.ts';
export { startRunpodSandbox } from './runpod/index.ts';
export type { RunpodSettings } from './runpod/settings.ts';
export type { AccessKey, Sandbox, SandboxOptions } from './sandbox.ts';
export { startSandbox } from './sandbox.ts';
export type { SlackSandbox, SlackSandboxOptions } from './slack/index.ts';
export { startSlackSandbox } from './slack/index.ts';
export type { SlackWorld } from './slack/workspace.ts';
export type { Clock, EpochMs } from './time.ts';
export { defaultWorld, parseWorld, readWorld, type World } from './world-file.ts';
