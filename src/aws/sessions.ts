/**
 * Role sessions: one per (use case, person, operation), named after the person so that CloudTrail tells who
 * did it, narrowed by a session policy to what the operation needs, renewed before they expire.
 */

import { isBackgroundActor } from '../domain/background-actor.ts';
import type { SessionOperation } from '../domain/session-name.ts';
import { newSessionName } from '../domain/session-name.ts';
import { awsOf, quotaKey, type UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { Budgets } from '../ports/budgets.ts';
import { type AwsErrorContext, awsErrorToAppError, isExpiredCredentials } from './errors.ts';
import { RequestPaces } from './paced-client.ts';
import { sessionPolicy } from './session-policies.ts';

/** Role chaining caps a session at one hour, and the bot itself mostly runs on a role. */
const SESSION_SECONDS = 3600;
/** Credentials this close to their end are renewed first: a page request takes seconds, not minutes. */
const RENEW_BEFORE_MS = 5 * 60_000;

/** As an SDK client takes them. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

export interface AssumeRoleRequest {
  roleArn: string;
  sessionName: string;
  externalId: string | undefined;
  policy: string;
  region: string;
  durationSeconds: number;
}

/** STS as far as it is needed, so that tests can answer in its place. */
export type AssumeRole = (request: AssumeRoleRequest) => Promise<AwsCredentials>;

/** The bot's own credentials, fresh from the SDK's chain: environment, profile, container, instance. */
export type OwnCredentials = (region: string) => Promise<AwsCredentials>;

interface AwsCallContext extends Pick<AwsErrorContext, 'passes'> {
  /** As the reader would say it after "could not": `find the job train-resnet`. */
  operation: string;
  /** The IAM actions it needs. */
  actions: readonly string[];
}

/** One open session: what an SDK client needs, and the handling of what every call can meet. */
export interface RoleSession {
  readonly useCase: UseCase;
  /** As CloudTrail shows it; without a role, in its user agent field. */
  readonly sessionName: string;
  /** For a client's `credentials`. Marked memoised, so that the client asks each time and a renewal takes effect. */
  readonly credentials: (() => Promise<AwsCredentials>) & { memoized?: boolean };
  /** What an SDK client that asks in this session's name is made with. `maxAttempts` counts the first one. */
  clientConfig(maxAttempts: number): {
    region: string;
    credentials: RoleSession['credentials'];
    customUserAgent: [string, string][];
    maxAttempts: number;
    requestHandler: { connectionTimeout: number; requestTimeout: number };
  };
  /** As `AwsAccount.paced`. */
  readonly paced: <T>(client: T) => T;
  /**
   * Runs one or more SDK calls. Credentials that the service calls expired are renewed and the calls made
   * again, once.
   * @throws AppError by the table of AWS errors; CancelledError
   */
  call<T>(context: AwsCallContext, run: () => Promise<T>): Promise<T>;
  /** The service calls the credentials expired: the next ones will be new. For callers that repeat by themselves. */
  renew(): void;
}

interface RoleSessionsOptions {
  clock: Clock;
  assumeRole?: AssumeRole;
  ownCredentials?: OwnCredentials;
  /** Left out: nobody waits. */
  budgets?: Budgets;
  /** Default: names by the rule of the house. */
  newName?: typeof newSessionName;
}

export class RoleSessions {
  readonly #clock: Clock;
  readonly #assumeRole: AssumeRole;
  readonly #ownCredentials: OwnCredentials;
  readonly #newName: typeof newSessionName;
  readonly #paces: RequestPaces;
  /** By use case, person and operation; promises, so that two requests at once open one session. */
  readonly #open = new Map<string, { session: Promise<Session>; usableUntil: () => EpochMs }>();

  constructor(options: RoleSessionsOptions) {
    this.#clock = options.clock;
    this.#ownCredentials = options.ownCredentials ?? chainCredentials;
    this.#assumeRole = options.assumeRole ?? stsAssumeRole(this.#ownCredentials);
    this.#newName = options.newName ?? newSessionName;
    this.#paces = new RequestPaces(options.budgets);
  }

  /** @throws AppError permission_denied when the role cannot be assumed; others by the table of AWS errors */
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<RoleSession> {
    const now = this.#clock.now();
    for (const [key, entry] of this.#open) if (entry.usableUntil() <= now) this.#open.delete(key);

    const { roleArn, externalId, region } = awsOf(useCase);
    const key = JSON.stringify([useCase.id, roleArn, externalId, region, actor.team, actor.user, operation]);
    const known = this.#open.get(key);
    if (known) return known.session;

    const session = this.#start(useCase, actor, operation);
    let usableUntil = Number.POSITIVE_INFINITY;
    this.#open.set(key, { session, usableUntil: () => usableUntil });
    session.then(
      (opened) => {
        usableUntil = opened.usableUntil;
      },
      () => this.#open.delete(key),
    );
    return session;
  }

  async #start(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<Session> {
    const newName = () => this.#newName(operation, actor, this.#clock.now());
    const { roleArn, externalId, region } = awsOf(useCase);
    const inBackground = isBackgroundActor(actor);
    const place = quotaKey(useCase);
    const paced = <T>(client: T): T => this.#paces.paced(client, place, { inBackground });
    const session = new Session(useCase, newName(), this.#clock, paced, (name) =>
      roleArn === undefined
        ? this.#ownCredentials(region)
        : this.#assumeRole({
            roleArn,
            sessionName: name,
            externalId,
            policy: sessionPolicy(useCase, roleArn, operation),
            region,
            durationSeconds: SESSION_SECONDS,
          }),
    );
    // Own credentials are not asked for beforehand: the first call does it, and saves the CLI the time.
    if (roleArn !== undefined) await session.begin(newName);
    return session;
  }
}

class Session implements RoleSession {
  readonly useCase: UseCase;
  readonly credentials: RoleSession['credentials'];
  readonly paced: RoleSession['paced'];
  readonly #clock: Clock;
  readonly #fetch: (name: string) => Promise<AwsCredentials>;
  readonly #openedAt: EpochMs;
  #name: string;
  #current: { credentials: Promise<AwsCredentials>; usableUntil: EpochMs } | undefined;

  constructor(
    useCase: UseCase,
    name: string,
    clock: Clock,
    paced: RoleSession['paced'],
    fetch: (name: string) => Promise<AwsCredentials>,
  ) {
    this.useCase = useCase;
    this.#name = name;
    this.#clock = clock;
    this.#openedAt = clock.now();
    this.paced = paced;
    this.#fetch = fetch;
    this.credentials = Object.assign(() => this.#credentials(), { memoized: true });
  }

  get sessionName(): string {
    return this.#name;
  }

  /** When a new request should open a session of its own: a name stands for an hour at most. */
  get usableUntil(): EpochMs {
    const byAge = this.#openedAt + SESSION_SECONDS * 1000 - RENEW_BEFORE_MS;
    return Math.min(byAge, this.#current?.usableUntil ?? byAge);
  }

  /** Gets the first credentials; a name that is refused or taken is replaced once (S3). */
  async begin(newName: () => string): Promise<void> {
    try {
      await this.#credentials();
    } catch (error) {
      if (!isNameRefused(error)) throw this.#notAssumable(error);
      this.#name = newName();
      try {
        await this.#credentials();
      } catch (again) {
        throw this.#notAssumable(again);
      }
    }
  }

  async call<T>(context: AwsCallContext, run: () => Promise<T>): Promise<T> {
    try {
      return await this.#withRenewal(run);
    } catch (error) {
      const { id } = this.useCase;
      const { roleArn, region } = awsOf(this.useCase);
      throw awsErrorToAppError(error, { ...context, useCase: id, roleArn, region });
    }
  }

  renew(): void {
    this.#current = undefined;
  }

  clientConfig(maxAttempts: number): ReturnType<RoleSession['clientConfig']> {
    return {
      region: awsOf(this.useCase).region,
      credentials: this.credentials,
      customUserAgent: [['signalbox', this.#name]],
      maxAttempts,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000 },
    };
  }

  async #withRenewal<T>(run: () => Promise<T>): Promise<T> {
    const used = this.#current;
    try {
      return await run();
    } catch (error) {
      if (!isExpiredCredentials(error)) throw error;
      // Of many calls that fail together only the first renews: the others see that it has been done. Without
      // credentials at the start, this very call fetched the refused ones.
      if (used === undefined || this.#current === used) this.renew();
      return run();
    }
  }

  #credentials(): Promise<AwsCredentials> {
    if (this.#current && this.#current.usableUntil > this.#clock.now()) return this.#current.credentials;
    // The name stays through renewals: a long download is one session to whoever reads CloudTrail.
    const entry = { credentials: this.#fetch(this.#name), usableUntil: Number.POSITIVE_INFINITY };
    this.#current = entry;
    entry.credentials.then(
      ({ expiration }) => {
        if (expiration) entry.usableUntil = usableUntil(expiration.getTime(), this.#clock.now());
      },
      () => {
        if (this.#current === entry) this.#current = undefined;
      },
    );
    return entry.credentials;
  }

  #notAssumable(error: unknown): AppError {
    const { useCase } = this;
    const { roleArn, externalId, region } = awsOf(useCase);
    const translated = awsErrorToAppError(error, {
      operation: 'open a session',
      actions: ['sts:AssumeRole'],
      useCase: useCase.id,
      roleArn,
      region,
    });
    if (translated.code !== 'permission_denied' || !isDenial(error)) return translated;
    return new AppError('permission_denied', `The role of the use case ${useCase.name} cannot be assumed.`, {
      hint: [
        'An admin of the use case can fix it. AWS does not say which of these is wrong:',
        "• the role's trust policy must allow sts:AssumeRole to what Signalbox runs as",
        externalId === undefined
          ? '• no externalId is configured: the trust policy must not ask for one (sts:ExternalId)'
          : '• the externalId in signalbox.yaml must be the one in the trust policy (sts:ExternalId)',
        '• the roleArn in signalbox.yaml must be the role of that account, letter by letter',
        '• what Signalbox runs as must itself be allowed sts:AssumeRole on that role',
        'Then check with `signalbox doctor`.',
      ].join('\n'),
      ...(translated.adminHint === undefined ? {} : { adminHint: translated.adminHint }),
      cause: error,
      ref: translated.ref,
    });
  }
}

/** Short-lived credentials (tests, a low maximum) are used for most of their life all the same. */
function usableUntil(expiresAt: EpochMs, now: EpochMs): EpochMs {
  return expiresAt - Math.min(RENEW_BEFORE_MS, (expiresAt - now) * 0.2);
}

/** A name that STS finds malformed, or that something on the way takes for a duplicate. */
function isNameRefused(error: unknown): boolean {
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  const aboutName = /session[ _-]?name/i.test(message);
  return (
    (aboutName && /validation|invalid|conflict|exists|duplicate/i.test(`${name} ${message}`)) ||
    /^(EntityAlreadyExists|ConflictException)/.test(name)
  );
}

function isDenial(error: unknown): boolean {
  const name = (error as { name?: string } | null)?.name ?? '';
  return /^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized)$/.test(name);
}

/** Loaded when first needed: most of the start of a short command would be spent on it otherwise. */
async function chainCredentials(region: string): Promise<AwsCredentials> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider({ clientConfig: { region } })();
}

function stsAssumeRole(ownCredentials: OwnCredentials): AssumeRole {
  return async (request) => {
    const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
    const send = async () => {
      const client = watchedClient(
        new STSClient({
          region: request.region,
          credentials: await ownCredentials(request.region),
          requestHandler: { connectionTimeout: 5_000, requestTimeout: 15_000 },
        }),
      );
      try {
        return await client.send(
          new AssumeRoleCommand({
            RoleArn: request.roleArn,
            RoleSessionName: request.sessionName,
            DurationSeconds: request.durationSeconds,
            Policy: request.policy,
            ...(request.externalId === undefined ? {} : { ExternalId: request.externalId }),
          }),
        );
      } finally {
        client.destroy();
      }
    };
    const { Credentials: issued } = await send().catch((error: unknown) => {
      if (!isExpiredCredentials(error)) throw error;
      // The bot's own credentials ran out: the chain is asked again, once.
      return send();
    });
    if (!issued?.AccessKeyId || !issued.SecretAccessKey || !issued.SessionToken)
      throw new AppError('unavailable', 'STS answered AssumeRole without credentials.', {
        hint: 'Try again in a minute.',
      });
    return {
      accessKeyId: issued.AccessKeyId,
      secretAccessKey: issued.SecretAccessKey,
      sessionToken: issued.SessionToken,
      ...(issued.Expiration === undefined ? {} : { expiration: issued.Expiration }),
    };
  };
}
