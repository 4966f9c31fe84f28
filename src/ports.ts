/** The interface of every adapter. Adapters implement these; operations receive them as arguments. */
import type { Alert } from './domain/alerts.ts';
import type { AwsEvent, SetAside } from './domain/aws-events.ts';
import type { CompilationAttempt } from './domain/compilations.ts';
import type { Component } from './domain/components.ts';
import type { TrainingJob } from './domain/jobs.ts';
import type { Mute } from './domain/mutes.ts';
import type { ChannelSettings, Subscription } from './domain/subscriptions.ts';
import type { Target } from './domain/targets.ts';
import type { UseCase } from './domain/use-cases.ts';

/** Milliseconds since the Unix epoch, UTC. */
export type EpochMs = number;

export interface Clock {
  /** The time of day; a machine's clock may be set forward or back at any moment. */
  now(): EpochMs;
  /**
   * Milliseconds since some moment, which pass whatever becomes of the time of day: for pauses and paces, which a
   * clock that is set back would hold up for hours. Left out: as `now`, for clocks that tests hold in hand.
   */
  elapsed?(): number;
}

/** Who asks. `user` is `U…` in Slack; the CLI uses the login name and the team `cli`. */
export interface Actor {
  team: string;
  user: string;
}

/** The kinds of work a role session is opened for; the first part of the session's name (S1). */
export type SessionOperation = 'logs' | 'train' | 'comp' | 'pkg' | 'gg' | 'dev';

/** Opens a use case's AWS account for one person and one operation. */
export interface UseCaseGateway {
  /**
   * @throws AppError permission_denied when the role cannot be assumed (hint: the checklist; adminHint: the ARN)
   */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<UseCaseSession>;
}

export interface UseCaseSession {
  /** As CloudTrail shows it; kept in the audit record (S4). */
  readonly sessionName: string;
  readonly jobs: JobCatalog;
  /** The log of one training job. */
  trainingLog(job: string): LogSource;
  /** The log of one compilation job: the streams `<job>` and `<job>/…`. */
  compilationLog(compilationJob: string): LogSource;
  // What follows works as far as the operation that the session was opened for needs it: `train` trains, `comp`
  // compiles and links, `pkg` publishes, `gg` looks at components, `dev` at devices. Anything else is refused by AWS.
  readonly training: TrainingProvider;
  readonly compiler: Compiler;
  readonly artifacts: ArtifactLinks;
  readonly components: ComponentRegistry;
  readonly devices: DeviceFleet;
}

/** The training jobs of one use case. */
export interface JobCatalog {
  /** @returns undefined when there is no such job */
  find(name: string, signal?: AbortSignal): Promise<TrainingJob | undefined>;
  /** Newest first. `nameContains` matches anywhere, without letter case where the service can. */
  list(query: { nameContains?: string; limit: number }, signal?: AbortSignal): Promise<TrainingJob[]>;
  /** The job's tags, key → value; empty where its service has none. A request of its own: only ask when needed. */
  tags(
    job: Pick<TrainingJob, 'name' | 'arn'>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

// --- Training ---------------------------------------------------------------------------------------

/** Where training runs. */
export interface TrainingProvider {
  readonly name: TrainingJob['provider'];
  /** What an existing job would be run again with. @returns undefined when there is no such job */
  setup(job: string, signal?: AbortSignal): Promise<TrainingSetup | undefined>;
  /**
   * Starts a run. The same request again is the same run: its name is what it is known by.
   * @returns the run's id: for SageMaker its name
   * @throws AppError not_found: no such job to repeat · conflict: it cannot be repeated, or the name is another
   *   job's · invalid_input, permission_denied, rate_limited: refused, nothing was started · unavailable, timeout:
   *   not known whether it was started, the same request again tells
   */
  deploy(request: TrainingRequest, signal?: AbortSignal): Promise<string>;
}

export interface TrainingSetup {
  hyperparameters: Readonly<Record<string, string>>;
  /** Left out where the job does not run on so many of one type: then its machines cannot be chosen here. */
  machines?: { type: string; count: number } | undefined;
  /** What to know before it is run again: what goes on from the old run, and what is different. A sentence each. */
  notes: readonly string[];
  /** Why it cannot be run again. */
  refusal?: { reason: string; hint: string } | undefined;
}

export interface TrainingRequest {
  /** Of the new run. */
  name: string;
  /** The job that it repeats; all that is not said here is as it was there. */
  again: string;
  /** All of them, not only the changed ones. */
  hyperparameters: Readonly<Record<string, string>>;
  machines?: TrainingSetup['machines'];
  /** When somebody began to ask for it: a run of that name from before is another one. */
  askedAt: EpochMs;
}

// --- Compilations -----------------------------------------------------------------------------------

/** SageMaker Neo in one use case's account. */
export interface Compiler {
  /**
   * @throws AppError conflict: the name is taken (by an earlier try of the same order, or by another's) ·
   *   invalid_input, permission_denied: refused, nothing was started · rate_limited: refused for now ·
   *   unavailable, timeout: not known whether it was started, `describe` tells
   * @throws CancelledError by `signal`: as unknown as a timeout. Starting again under the same name is always safe.
   */
  start(order: CompilationOrder, signal?: AbortSignal): Promise<void>;
  /** @returns undefined when there is no such compilation */
  describe(compilationJob: string, signal?: AbortSignal): Promise<CompilationReport | undefined>;
  /** Of the whole account, whoever started them; newest first. `createdAfter` is inclusive. */
  list(
    query: { limit: number; createdAfter?: EpochMs | undefined },
    signal?: AbortSignal,
  ): Promise<CompilationListing[]>;
  /** Done also when it had ended already. */
  stop(compilationJob: string, signal?: AbortSignal): Promise<void>;
}

/** What a list says of a compilation: not what was compiled. */
export interface CompilationListing {
  compilationJob: string;
  status: string;
  createdAt: EpochMs;
}

export interface CompilationOrder {
  compilationJob: string;
  /** S3 URI of the model, one .tar.gz. */
  model: string;
  framework: string;
  frameworkVersion?: string | undefined;
  /** JSON text. */
  dataInputConfig?: string | undefined;
  target: Target;
  /** `s3://bucket/prefix`. */
  outputS3: string;
  /** The role that SageMaker compiles with. */
  roleArn: string;
  timeoutSeconds: number;
}

/** What DescribeCompilationJob says; nothing that it does not say. */
export interface CompilationReport {
  status: string;
  failureReason?: string | undefined;
  startedAt?: EpochMs | undefined;
  endedAt?: EpochMs | undefined;
  changedAt?: EpochMs | undefined;
  /** S3 URI; only meaningful when completed. */
  artifact?: string | undefined;
  /** What it was asked for, by whomever. */
  asked?: ReportedOrder | undefined;
  /** What else the service reports, name → value, for the details view (C8). */
  facts: Readonly<Record<string, string>>;
}

/** A compilation's input and output as they were given to the service. */
export interface ReportedOrder {
  createdAt?: EpochMs | undefined;
  /** S3 URI. */
  model?: string | undefined;
  framework?: string | undefined;
  frameworkVersion?: string | undefined;
  /** JSON text. */
  dataInputConfig?: string | undefined;
  neo?: Target['neo'] | undefined;
  /** JSON text. */
  compilerOptions?: string | undefined;
  timeoutSeconds?: number | undefined;
}

export interface ArtifactLinks {
  /**
   * A link that anybody who has it can download from until it expires. Where the credentials behind it end
   * earlier than asked for, it does too; its `X-Amz-Expires` says the seconds.
   * @throws AppError not_found when the object is not there, permission_denied
   */
  presign(s3Uri: string, options: { expiresSeconds: number; fileName: string }): Promise<string>;
}

// --- Components and devices --------------------------------------------------------------------------

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

/** Greengrass core devices and what is on them, as of each device's last report. */
export interface DeviceFleet {
  coreDevices(signal?: AbortSignal): Promise<CoreDevice[]>;
  /** All components, dependencies included. */
  installedOn(device: string, signal?: AbortSignal): Promise<InstalledComponent[]>;
  /** What deployments intend for the device. */
  deploymentsOn(device: string, signal?: AbortSignal): Promise<EffectiveDeployment[]>;
  /** Component → version that a deployment installs; undefined when there is no such deployment (any more). */
  componentsOf?(
    deployment: string,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
}

export interface CoreDevice {
  name: string;
  /** `HEALTHY`, `UNHEALTHY`, or a newer word as it came. */
  health: string;
  reportedAt?: EpochMs | undefined;
}

export interface InstalledComponent {
  name: string;
  version: string;
  /** `RUNNING`, `ERRORED`, …, as it came. */
  state: string;
  reportedAt?: EpochMs | undefined;
}

export interface EffectiveDeployment {
  id: string;
  name?: string | undefined;
  /** Execution status on this device, as it came. */
  status: string;
  reason?: string | undefined;
  modifiedAt?: EpochMs | undefined;
  /** ARN of the core device or group that it was made for. */
  target: string;
}

// --- Logs -------------------------------------------------------------------------------------------

/** The log streams of exactly one job or run, read in pages. The engine in `logs/` does all the rest. */
export interface LogSource extends LogLane {
  /** Stable identity of what is read, for resuming and for messages: `account/region/group/job`. */
  readonly id: string;
  /** Every stream of this job and of no other. Times are hints, never bounds. */
  listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]>;
  /** Another way to read the same streams, forward only, with a request quota of its own. */
  readonly secondLane?: LogLane | undefined;
  /** The service cannot read backward, or not dependably: only forward pages are asked for. */
  readonly forwardOnly?: boolean | undefined;
  /** How far ahead of the clock an event's time may lie, ms; 0 when left out. */
  readonly aheadMs?: number | undefined;
}

/** One kind of page request and the quota it is counted against. */
export interface LogLane {
  /**
   * One page of one stream. Pages may be empty in mid-stream; only a repeated token is the end.
   * @throws AppError rate_limited, unavailable: worth asking again · anything else: final
   */
  readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage>;
  /** When the next request may be sent. Left out: at any time. */
  readonly pace?: RequestPace | undefined;
}

/** Turns to send one request each, given out at the rate that the service allows. */
export interface RequestPace {
  /** Resolves when a request may be sent now. An unused turn goes back by `handBack`. */
  turn(signal?: AbortSignal): Promise<void>;
  handBack(): void;
  /** Requests a second that are allowed now; Infinity when nothing limits them. */
  readonly rate: number;
  /** The service allows less than it should: it has refused requests of late. */
  readonly slowed: boolean;
}

export interface LogStreamInfo {
  name: string;
  /** What a line shows: `algo-1`. */
  shortName: string;
  firstEventAt?: EpochMs | undefined;
  lastEventAt?: EpochMs | undefined;
  /** Bytes of text, where the service knows them: for checking the disk before the work. */
  bytes?: number | undefined;
}

export interface LogPageRequest {
  stream: string;
  /** Inclusive. */
  from?: EpochMs | undefined;
  /** Exclusive. */
  to?: EpochMs | undefined;
  direction: 'forward' | 'backward';
  /** From an earlier page of the same direction and window. */
  token?: string | undefined;
  limit?: number | undefined;
  /**
   * Asks for lines instead of bare messages: so many free bytes, the message, and a newline unless the message
   * ends with one. The reader fills the free bytes in place, which saves a copy of every page. A source may
   * ignore it; `LogPage.lead` says what it did.
   */
  lead?: number | undefined;
}

/** A page as text with an index: message i is `text[ends[i-1] .. ends[i])`, UTF-8, as the job wrote it. */
export interface LogPage {
  count: number;
  text: Buffer;
  /** End offset of each message in `text`, length `count`. */
  ends: Uint32Array;
  /** Event time of each message, ms, length `count`, in the order the service gave. */
  times: Float64Array;
  /** Token for the next page in the request's direction; the same as the one sent: the end. */
  nextToken: string | undefined;
  /** Set when the entries are lines as `LogPageRequest.lead` asked for. */
  lead?: number | undefined;
  /** Gives the page's memory back for the next page. The reader calls it once, when done with text and index. */
  release?: (() => void) | undefined;
}

// --- People ------------------------------------------------------------------------------------------

/** Who belongs where, as Slack knows it. Answers may be cached for a short while. */
export interface Directory {
  isInGroup(user: string, group: string): Promise<boolean>;
  isInChannel(user: string, channel: string): Promise<boolean>;
  /** Ids of a user group's members; empty for one that is not there any more. @throws AppError unavailable */
  membersOf?(group: string): Promise<readonly string[]>;
}

// --- State -------------------------------------------------------------------------------------------

export interface AuditRecord {
  at: EpochMs;
  actor: Actor;
  /** Verb in the past, dotted: `logs.downloaded`, `logs.refused`. */
  action: string;
  useCase?: string | undefined;
  /** What it was done to: a job's name. */
  subject?: string | undefined;
  /** To find the same act in CloudTrail. */
  sessionName?: string | undefined;
  detail?: Record<string, string | number | boolean> | undefined;
}

export interface Store
  extends AuditTrail,
    JobStore,
    CompilationStore,
    ComponentStore,
    EventStore,
    OutboxStore,
    AlertStore,
    SubscriptionStore,
    TimerStore,
    UnfinishedStore,
    StoreHealth {
  close(): Promise<void>;
}

export interface StoreHealth {
  /**
   * What keeps changes from being stored, as far as it is known; undefined: nothing. It goes away by itself, without
   * anybody storing something, once there is room again.
   */
  problem(): string | undefined;
}

export interface AuditTrail {
  /** Returns once the record is durable. */
  appendAudit(record: AuditRecord): Promise<void>;
  /** Newest first. */
  listAudit(query: { user?: string; subject?: string; limit: number }): Promise<AuditRecord[]>;
}

/** What is known of a training job without asking: how it was last seen, and where its card is. */
export interface JobRecord {
  job: TrainingJob;
  seenAt: EpochMs;
  /** The job card: one message in the use case's first channel. */
  card?:
    | {
        channel: string;
        /** Of a version that posted cards by itself; since then the outbox knows. */
        ts?: string | undefined;
        /** Milestones that its thread does not tell: the card itself said them when it came. */
        told?: readonly string[] | undefined;
      }
    | undefined;
  /** The last look at it, when it got no answer; gone with the next answer. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** Its end is known from an event alone, because SageMaker could not be asked: why. Gone once SageMaker has said it. */
  unconfirmed?: string | undefined;
  /** It had ended when it was described: there is nothing more to be asked. */
  described?: boolean | undefined;
  /** It was met in the use case's list of jobs: what was created after the newest such one is news. */
  listed?: boolean | undefined;
  /** Something happened to it while Signalbox watched: what it comes to is told, also after a restart. */
  news?: boolean | undefined;
  /** It completed and shall be compiled by itself; gone once that is done, so that a restart does it. */
  compileDue?: boolean | undefined;
  /** Somebody started it from an earlier job. */
  rerun?: Rerun | undefined;
}

export interface Rerun {
  /** The job that it repeats. */
  of: string;
  /** What both train, so that a success here makes the failure there good, whatever this one is called. */
  pipeline: string;
  by: Actor;
  /** For words where a mention would ping; from outside. */
  byName: string;
  at: EpochMs;
  /** Differences, a line each, secrets masked. */
  changes: readonly string[];
}

/** Every method returns once what it did is durable. A job's key is its use case and name. */
export interface JobStore {
  getJob(useCase: string, name: string): Promise<JobRecord | undefined>;
  /** Newest first by creation. */
  listJobs(query: { useCase?: string; limit: number }): Promise<JobRecord[]>;
  /**
   * Atomic read-modify-write. `change` gets what is there (undefined: new) and returns what shall be; returning
   * the same object, or undefined, writes nothing. It must be pure and may run more than once; it must neither
   * change what it gets nor its key.
   */
  changeJob(
    useCase: string,
    name: string,
    change: (record: JobRecord | undefined) => JobRecord | undefined,
  ): Promise<JobRecord | undefined>;
}

export interface CompilationStore {
  /**
   * Stores a new attempt together with its claim on (use case, job, target), which is unique but for what was
   * started elsewhere.
   * @throws AppError conflict when a live or successful attempt holds the claim (domain/compilations.ts)
   */
  addAttempt(attempt: CompilationAttempt): Promise<void>;
  /** Atomic; as `changeJob`. @throws AppError not_found for an unknown id */
  changeAttempt(
    id: string,
    change: (attempt: CompilationAttempt) => CompilationAttempt,
  ): Promise<CompilationAttempt>;
  /**
   * Oldest first. Long ended jobs' attempts may lie in an archive, which only a query of one job (`useCase` and
   * `job`) looks into; their claims hold as ever.
   */
  listAttempts(query: { useCase?: string; job?: string; live?: boolean }): Promise<CompilationAttempt[]>;
}

export interface ComponentStore {
  /** @throws AppError conflict when the use case has a component of this name and version already */
  addComponent(component: Component): Promise<void>;
  /** Atomic; as `changeJob`. @throws AppError not_found */
  changeComponent(
    key: { useCase: string; name: string; version: string },
    change: (component: Component) => Component,
  ): Promise<Component>;
  /** Oldest first. `settled: false`: only those that Greengrass is still working on. */
  listComponents(query: { useCase?: string; job?: string; settled?: boolean }): Promise<Component[]>;
}

// --- Events, and what is told of them ----------------------------------------------------------------

export type EventSource = 'sqs' | 'https' | 'replay';

/** An event as it was taken in; kept for a while after it was dealt with, so that its like is known. */
export interface EventRecord {
  /** The envelope's id, or a digest of what could not be read. */
  id: string;
  /** Unique each: an event with a key that is known is a duplicate (domain/aws-events.ts). */
  keys: readonly string[];
  receivedAt: EpochMs;
  via: EventSource;
  /** `pending` until every handler is done with it. */
  state: 'pending' | 'handled' | 'set-aside';
  /** While it is pending. */
  event?: AwsEvent | undefined;
  /** What it tells the newest of (domain/aws-events.ts), and when it happened. */
  about?: { things: readonly string[]; at: EpochMs } | undefined;
  /** Ends of handling that failed, so far. */
  tries?: number | undefined;
  settledAt?: EpochMs | undefined;
  /** Of one that is set aside. */
  reason?: SetAside | undefined;
  /** Of one that is set aside: its beginning, secrets masked. */
  excerpt?: string | undefined;
}

/** Every method returns once what it did is durable. */
export interface EventStore {
  /** Unique also among calls at the same time. @returns false: one with such a key is known */
  addEvent(record: EventRecord): Promise<boolean>;
  /** As `changeJob`; nothing for one that is gone. */
  changeEvent(id: string, change: (record: EventRecord) => EventRecord): Promise<void>;
  /** When the newest event about this thing happened, of those that are handled and kept. */
  newestHandled(thing: string): Promise<EpochMs | undefined>;
  /** `pending`: oldest first; others newest first. */
  listEvents(query: { state: EventRecord['state']; limit: number }): Promise<EventRecord[]>;
  /** Of those that are kept; those set aside also by their code. */
  countEvents(): Promise<{ pending: number; handled: number; setAside: Readonly<Record<string, number>> }>;
}

/** Content of a message: `blocks/` makes it, nobody in between looks into it. */
export interface OutgoingMessage {
  text: string;
  blocks?: readonly object[] | undefined;
  /** Where Slack does not take `blocks`. */
  fallback?: readonly object[] | undefined;
}

/** One message: what it shall show, and how far that is. */
export interface OutboxRecord {
  /** Chosen by who posts it; the same key is the same message: `card/line-3/train-resnet`. */
  key: string;
  /** Stands in the message's metadata, so that one is found that was posted but not recorded. */
  id: string;
  /** A channel, or a user for the direct message with them. */
  channel: string;
  /** Key of the message in whose thread it stands. */
  thread?: string | undefined;
  createdAt: EpochMs;
  changedAt: EpochMs;
  /** Goes before what waits for the same channel. */
  urgent?: boolean | undefined;
  /** Messages that tell of the same kind of thing: a flood of one does not hold up the others. Left out: by its key. */
  family?: string | undefined;
  /** Not to be posted before. */
  notBefore?: EpochMs | undefined;
  /** Of no use after that, when it could not be posted until then. */
  expiresAt?: EpochMs | undefined;
  /** What is to be shown and is not yet; gone once it is. */
  message?: OutgoingMessage | undefined;
  /** Rises with each new content. */
  version: number;
  /** The version that Slack shows; 0: not posted. */
  shown: number;
  /** Digest of what Slack shows: the same content is not sent again. */
  digest?: string | undefined;
  /** Digest of what the content says apart from times; content that says what is shown already is a mere refresh. */
  says?: string | undefined;
  /** Milliseconds between two mere refreshes; without it there are none. */
  refreshEvery?: number | undefined;
  /** `says` of what Slack shows, and since when. */
  shownSays?: string | undefined;
  shownAt?: EpochMs | undefined;
  /** A post is under way since then: unless `ts` is known, nobody knows whether it arrived. */
  postingSince?: EpochMs | undefined;
  /** Where it stands in Slack. */
  posted?: { channel: string; ts: string; at: EpochMs } | undefined;
  /** It cannot be posted or changed any more. */
  failed?: { code: string; at: EpochMs } | undefined;
}

/** A channel that could not be posted to; no message is tried there until it works again. */
export interface DeadChannel {
  channel: string;
  since: EpochMs;
  /** Slack's error: `is_archived`. */
  code: string;
  /** When it is looked at again. */
  nextLookAt: EpochMs;
  looks: number;
}

/** Every method returns once what it did is durable. */
export interface OutboxStore {
  getPost(key: string): Promise<OutboxRecord | undefined>;
  /** Atomic; as `changeJob`. */
  changePost(
    key: string,
    change: (record: OutboxRecord | undefined) => OutboxRecord | undefined,
  ): Promise<OutboxRecord | undefined>;
  /** With content that Slack does not show yet, and not failed; in the order in which they came. */
  listUnsent(): Promise<OutboxRecord[]>;
  listDeadChannels(): Promise<DeadChannel[]>;
  /** `undefined` as a change's result: it works again. */
  changeDeadChannel(
    channel: string,
    change: (dead: DeadChannel | undefined) => DeadChannel | undefined,
  ): Promise<DeadChannel | undefined>;
}

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

/** Something to be done at a time, also after a restart. */
export interface Timer {
  /** Unique; setting it again moves it. */
  id: string;
  /** Chooses the handler. */
  kind: string;
  dueAt: EpochMs;
  data?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** A message in Slack that tells of work of this process: a kill would leave it as it is for ever. */
export interface UnfinishedMessage {
  id: string;
  channel: string;
  ts: string;
  since: EpochMs;
  /** What it is to say if the process is gone; left out: the work is done, and it only has to go. */
  becomes?: OutgoingMessage | undefined;
}

/** Every method returns once what it did is durable. */
export interface UnfinishedStore {
  putUnfinished(message: UnfinishedMessage): Promise<void>;
  removeUnfinished(id: string): Promise<void>;
  /** Oldest first. */
  listUnfinished(): Promise<UnfinishedMessage[]>;
}

/** Every method returns once what it did is durable. */
export interface TimerStore {
  putTimer(timer: Timer): Promise<void>;
  /** Only one of that due time, when it is given: what was moved meanwhile stays. */
  removeTimer(id: string, dueAt?: EpochMs): Promise<void>;
  /** The next one first. */
  listTimers(): Promise<Timer[]>;
}
