/** Who may do what in a use case. Default deny: nobody gets in but those whom its configuration names. */
import { AppError } from '../ground/errors.ts';
import { CHANNEL_MEMBERS, type Grantee, type Role, type UseCase } from './use-cases.ts';

/** Who belongs where. @throws AppError unavailable: it cannot be found out */
export interface Memberships {
  isInGroup(user: string, group: string): Promise<boolean>;
  isInChannel(user: string, channel: string): Promise<boolean>;
}

export type Permission =
  | 'jobs:read'
  | 'logs:read'
  | 'compile:start'
  | 'train:start'
  | 'train:stop'
  | 'artifacts:read'
  | 'components:publish'
  | 'alerts:handle'
  | 'subscriptions:manage';

const READ: readonly Permission[] = ['jobs:read', 'logs:read'];

/** Sets, not ranks: an operator stops a training but does not start one. */
const PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: READ,
  dataScientist: [...READ, 'compile:start', 'train:start', 'artifacts:read', 'components:publish'],
  operator: [...READ, 'alerts:handle', 'train:stop', 'components:publish'],
  admin: [
    ...READ,
    'compile:start',
    'train:start',
    'train:stop',
    'artifacts:read',
    'components:publish',
    'alerts:handle',
    'subscriptions:manage',
  ],
};

const ROLES = Object.keys(PERMISSIONS) as Role[];

/** In words, after "permission to" and before the name of the use case. */
const IN_WORDS: Readonly<Record<Permission, string>> = {
  'jobs:read': 'see the jobs of',
  'logs:read': 'read the logs of',
  'compile:start': 'start compilations in',
  'train:start': 'start training jobs in',
  'train:stop': 'stop training jobs in',
  'artifacts:read': 'download artifacts of',
  'components:publish': 'publish components of',
  'alerts:handle': 'handle the alerts of',
  'subscriptions:manage': 'change the notification settings of',
};

/**
 * The roles that a person is known to hold in a use case. A role that only Slack's answer could decide is not held
 * if that answer did not come.
 * @throws what Slack threw, where nothing else gives the person any role
 */
export async function rolesOf(user: string, useCase: UseCase, directory: Memberships): Promise<Set<Role>> {
  const held = new Set<Role>();
  let failure: { error: unknown } | undefined;
  for (const role of ROLES) {
    try {
      if (await isAmong(user, useCase.access[role] ?? [], useCase, directory)) held.add(role);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (held.size === 0 && failure) throw failure.error;
  return held;
}

/**
 * Whether one of the grantees is the person. Named users are checked first, which needs no question to Slack; so a
 * question that fails keeps out only people whom nothing else lets in.
 * @throws what a question to Slack threw, where only its answer could have let the person in
 */
async function isAmong(
  user: string,
  grantees: readonly Grantee[],
  useCase: UseCase,
  directory: Memberships,
): Promise<boolean> {
  // Anything else in the configuration is a user's id; an unknown form matches nobody.
  if (grantees.includes(user)) return true;
  const inGroup = (group: string) => (): Promise<boolean> => directory.isInGroup(user, group);
  const inChannel = (channel: string) => (): Promise<boolean> => directory.isInChannel(user, channel);
  const questions = [
    ...(grantees.includes(CHANNEL_MEMBERS) ? useCase.channels.map(inChannel) : []),
    ...[...new Set(grantees)].filter((grantee) => /^S[A-Z0-9]+$/.test(grantee)).map(inGroup),
  ];
  let failure: { error: unknown } | undefined;
  for (const ask of questions) {
    try {
      if (await ask()) return true;
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return false;
}

export function allows(roles: Iterable<Role>, permission: Permission): boolean {
  for (const role of roles) if (PERMISSIONS[role].includes(permission)) return true;
  return false;
}

/** @throws what Slack threw, where only its answer could have decided: then nobody gets in */
export async function may(
  user: string,
  permission: Permission,
  useCase: UseCase,
  directory: Memberships,
): Promise<boolean> {
  const grantees = ROLES.filter((role) => PERMISSIONS[role].includes(permission)).flatMap(
    (role) => useCase.access[role] ?? [],
  );
  return isAmong(user, grantees, useCase, directory);
}

/**
 * Those use cases in which the person has the permission, in the order given; without those that Slack's silence
 * leaves open.
 * @throws what Slack threw, where nothing is open without its answer
 */
export async function permittedUseCases(
  user: string,
  permission: Permission,
  useCases: readonly UseCase[],
  directory: Memberships,
): Promise<UseCase[]> {
  const answers = await Promise.allSettled(
    useCases.map((useCase) => may(user, permission, useCase, directory)),
  );
  const permitted = useCases.filter((_, index) => {
    const answer = answers[index]!;
    return answer.status === 'fulfilled' && answer.value;
  });
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (permitted.length === 0 && failed) throw failed.reason;
  return permitted;
}

/**
 * Whether a person may learn that a use case exists: people with a role there, and, if its configuration says so,
 * people with a role in another use case. Slack's silence counts as no.
 */
export async function mayKnowOf(
  user: string,
  useCase: UseCase,
  useCases: readonly UseCase[],
  directory: Memberships,
): Promise<boolean> {
  const hasRole = async (one: UseCase): Promise<boolean> => {
    try {
      return (await rolesOf(user, one, directory)).size > 0;
    } catch {
      return false;
    }
  };
  if (await hasRole(useCase)) return true;
  if (!useCase.discoverable) return false;
  for (const other of useCases) if (other.id !== useCase.id && (await hasRole(other))) return true;
  return false;
}

/** Whom to ask for a right: the use case's admins, or Signalbox's own where it names none. */
export function whoCanGrant(useCase: UseCase, admins: readonly Grantee[]): readonly Grantee[] {
  const own = useCase.access.admin ?? [];
  return own.length > 0 ? own : admins;
}

/** Thrown for somebody without the right; says which use case and which right, never who has it. */
export function refusal(useCase: UseCase, permission: Permission): AppError {
  return new AppError(
    'permission_denied',
    `You do not have permission to ${IN_WORDS[permission]} ${useCase.name} (${useCase.id}).`,
    { hint: `Ask an admin of ${useCase.name} for a role that allows it.` },
  );
}

/** The same answer to outsiders for what does not exist and for what is not theirs: it must not tell the two apart. */
export function nothingOpen(): AppError {
  return new AppError('not_found', 'You do not have access to anything by that name.', {
    hint: 'It may not exist, or it may belong to a use case that you have no role in. Ask in that team’s channel who can give you one.',
  });
}
