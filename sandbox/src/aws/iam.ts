/** Who exists in which account, with which keys and rights; role sessions are made here. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../time.ts';
import { AuthError, AwsError } from './errors.ts';
import {
  evaluate,
  type PolicyContext,
  type PolicyDocument,
  parsePolicy,
  trusts,
  type Verdict,
} from './policy.ts';

export interface UserSeed {
  name: string;
  accessKeyId: string;
  secretAccessKey: string;
  policy: PolicyDocument;
}

export interface RoleSeed {
  name: string;
  trust: PolicyDocument;
  policy: PolicyDocument;
  /** Seconds, 3600 to 43200; default 3600. */
  maxSessionSeconds?: number;
}

export interface Principal {
  arn: string;
  account: string;
  userId: string;
  /** The ARNs a trust policy may name this principal by. */
  trustArns: readonly string[];
  policy: PolicyDocument;
  /** Narrows a role session: both must allow. */
  sessionPolicy?: PolicyDocument | undefined;
  isSession: boolean;
}

export interface Credential {
  accessKeyId: string;
  secret: string;
  token?: string;
  expiresAt?: number;
  principal: Principal;
}

interface Role extends RoleSeed {
  id: string;
  account: string;
  arn: string;
}

export interface AssumeRoleRequest {
  roleArn: string;
  sessionName: string;
  durationSeconds?: number | undefined;
  externalId?: string | undefined;
  policy?: string | undefined;
}

export class Iam {
  readonly #credentials = new Map<string, Credential>();
  readonly #roles = new Map<string, Role>();
  readonly #clock: Clock;
  /** Seconds; shorter than any caller may ask for, so that expiry can be tried out. */
  sessionSeconds: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addUser(account: string, user: UserSeed): void {
    const arn = `arn:aws:iam::${account}:user/${user.name}`;
    this.#credentials.set(user.accessKeyId, {
      accessKeyId: user.accessKeyId,
      secret: user.secretAccessKey,
      principal: {
        arn,
        account,
        userId: uniqueId('AIDA'),
        trustArns: [arn, ...accountNames(account)],
        policy: user.policy,
        isSession: false,
      },
    });
  }

  addRole(account: string, role: RoleSeed): void {
    const arn = `arn:aws:iam::${account}:role/${role.name}`;
    this.#roles.set(arn, { ...role, id: uniqueId('AROA'), account, arn });
  }

  findRole(arn: string): Readonly<RoleSeed> | undefined {
    return this.#roles.get(arn);
  }

  /** @throws AuthError unknown_key */
  credential(accessKeyId: string): Credential {
    const found = this.#credentials.get(accessKeyId);
    if (!found) throw new AuthError('unknown_key', 'The security token included in the request is invalid.');
    return found;
  }

  /** @throws AuthError unknown_key, expired_token */
  checkToken(credential: Credential, token: string | undefined): void {
    if (credential.token !== token) {
      throw new AuthError('unknown_key', 'The security token included in the request is invalid.');
    }
    if (credential.expiresAt !== undefined && credential.expiresAt <= this.#clock.now()) {
      throw new AuthError('expired_token', 'The security token included in the request is expired');
    }
  }

  /** Ends every open role session now, as if its time had run out. */
  expireSessions(): void {
    for (const credential of this.#credentials.values()) {
      if (credential.expiresAt !== undefined) credential.expiresAt = this.#clock.now();
    }
  }

  /** What the principal's own policies say; where a resource has a policy of its own, that counts as well. */
  verdict(principal: Principal, action: string, resources: readonly string[], region: string): Verdict {
    const context = { ...principalContext(principal), 'aws:RequestedRegion': region };
    const identity = evaluate(principal.policy, action, resources, context);
    const session = principal.sessionPolicy
      ? evaluate(principal.sessionPolicy, action, resources, context)
      : 'allow';
    return identity === 'deny' || session === 'deny'
      ? 'deny'
      : identity === 'allow' && session === 'allow'
        ? 'allow'
        : 'silent';
  }

  /**
   * @param more condition keys of this action alone: `iam:PassedToService`
   * @throws AuthError access_denied, in AWS's words and with the principal's ARN
   */
  authorize(
    principal: Principal,
    action: string,
    resources: readonly string[],
    region: string,
    more: PolicyContext = {},
  ): void {
    const context = { ...principalContext(principal), 'aws:RequestedRegion': region, ...more };
    const identity = evaluate(principal.policy, action, resources, context);
    const session = principal.sessionPolicy
      ? evaluate(principal.sessionPolicy, action, resources, context)
      : 'allow';
    if (identity === 'allow' && session === 'allow') return;
    const why =
      identity === 'deny'
        ? 'with an explicit deny in an identity-based policy'
        : session === 'deny'
          ? 'with an explicit deny in a session policy'
          : identity === 'silent'
            ? `because no identity-based policy allows the ${action} action`
            : `because no session policy allows the ${action} action`;
    throw new AuthError(
      'access_denied',
      `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resources[0] ?? '*'} ${why}`,
    );
  }

  /**
   * An unknown role, a trust that does not name the caller and a wrong external id look the same from
   * outside: the real service does not tell strangers which roles exist.
   * @throws AuthError access_denied; AwsError ValidationError, MalformedPolicyDocument
   */
  assumeRole(
    caller: Principal,
    request: AssumeRoleRequest,
  ): { credential: Credential; assumedRoleId: string } {
    const role = this.#roles.get(request.roleArn);
    const denied = new AuthError(
      'access_denied',
      `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${request.roleArn}`,
    );
    const context = {
      ...principalContext(caller),
      'sts:ExternalId': request.externalId,
      'sts:RoleSessionName': request.sessionName,
    };
    if (!role) throw denied;
    const identity = evaluate(caller.policy, 'sts:AssumeRole', [role.arn], context);
    const session = caller.sessionPolicy
      ? evaluate(caller.sessionPolicy, 'sts:AssumeRole', [role.arn], context)
      : 'allow';
    if (!trusts(role.trust, caller.trustArns, context)) throw denied;
    // Inside one account a trust that names the caller itself is enough; across accounts both sides must allow.
    const sameAccount = caller.account === role.account;
    if (identity === 'deny' || session !== 'allow' || (identity === 'silent' && !sameAccount)) throw denied;

    const longest = role.maxSessionSeconds ?? 3600;
    const seconds = request.durationSeconds ?? 3600;
    if (caller.isSession && seconds > 3600) {
      throw new AwsError(
        'ValidationError',
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
      );
    }
    if (seconds > longest) {
      throw new AwsError(
        'ValidationError',
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      );
    }
    const sessionPolicy = request.policy === undefined ? undefined : parsePolicy(request.policy);
    if ((request.policy?.length ?? 0) > 2048) {
      throw new AwsError(
        'PackedPolicyTooLarge',
        `Packed size of session policy consumes ${Math.ceil(request.policy!.length / 20.48)}% of allotted space.`,
      );
    }
    const arn = `arn:aws:sts::${role.account}:assumed-role/${role.name}/${request.sessionName}`;
    const lifetime = Math.min(seconds, this.sessionSeconds ?? seconds);
    const credential: Credential = {
      accessKeyId: uniqueId('ASIA'),
      secret: randomBytes(30).toString('base64'),
      token: `IQoJb3JpZ2luX2Vj${randomBytes(180).toString('base64')}`,
      expiresAt: this.#clock.now() + lifetime * 1000,
      principal: {
        arn,
        account: role.account,
        userId: `${role.id}:${request.sessionName}`,
        trustArns: [arn, role.arn, ...accountNames(role.account)],
        policy: role.policy,
        sessionPolicy,
        isSession: true,
      },
    };
    this.#forgetOldSessions();
    this.#credentials.set(credential.accessKeyId, credential);
    return { credential, assumedRoleId: `${role.id}:${request.sessionName}` };
  }

  /** Expired sessions are kept for a day, so that their users are told "expired" and not "unknown". */
  #forgetOldSessions(): void {
    const limit = this.#clock.now() - 24 * 3_600_000;
    for (const [id, { expiresAt }] of this.#credentials) {
      if (expiresAt !== undefined && expiresAt < limit) this.#credentials.delete(id);
    }
  }
}

const accountNames = (account: string) => [account, `arn:aws:iam::${account}:root`];

const principalContext = (principal: Principal) => ({
  'aws:PrincipalArn': principal.arn,
  'aws:PrincipalAccount': principal.account,
  'aws:userid': principal.userId,
});

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** IAM's own shape: four letters for the kind, sixteen for the thing. */
export function uniqueId(prefix: string): string {
  let id = prefix;
  for (const byte of randomBytes(16)) id += ID_ALPHABET[byte % 32];
  return id;
}
