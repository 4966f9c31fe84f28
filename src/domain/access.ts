/** Who may do what in a use case. Default deny: nobody gets in but those whom its configuration names. */
import { AppError } from '../errors.ts';
import type { Directory } from '../ports.ts';
import { CHANNEL_MEMBERS, type Grantee, type Role, type UseCase } from './use-cases.ts';

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

/** The roles that a person holds in a use case; a directory that fails throws, and nobody gets in meanwhile. */
export async function rolesOf(user: string, useCase: UseCase, directory: Directory): Promise<Set<Role>> {
  const held = new Set<Role>();
  for (const role of ROLES) {
    for (const grantee of useCase.access[role] ?? []) {
      if (await isGranted(user, grantee, useCase, directory)) {
        held.add(role);
        break;
      }
    }
  }
  return held;
}

async function isGranted(
  user: string,
  grantee: Grantee,
  useCase: UseCase,
  directory: Directory,
): Promise<boolean> {
  if (grantee === CHANNEL_MEMBERS) {
    for (const channel of useCase.channels) if (await directory.isInChannel(user, channel)) return true;
    return false;
  }
  if (/^S[A-Z0-9]+$/.test(grantee)) return directory.isInGroup(user, grantee);
  // Whatever else stands in the configuration is a user's id; an unknown form equals nobody's.
  return grantee === user;
}

export function allows(roles: Iterable<Role>, permission: Permission): boolean {
  for (const role of roles) if (PERMISSIONS[role].includes(permission)) return true;
  return false;
}

export async function may(
  user: string,
  permission: Permission,
  useCase: UseCase,
  directory: Directory,
): Promise<boolean> {
  return allows(await rolesOf(user, useCase, directory), permission);
}

/** Those use cases in which the person has the permission, in the order given. */
export async function permittedUseCases(
  user: string,
  permission: Permission,
  useCases: readonly UseCase[],
  directory: Directory,
): Promise<UseCase[]> {
  const allowed = await Promise.all(useCases.map((useCase) => may(user, permission, useCase, directory)));
  return useCases.filter((_, index) => allowed[index]);
}

/** Whom to ask for a right: the use case's admins, or Signalbox's own where it names none. */
export function whoCanGrant(useCase: UseCase, admins: readonly Grantee[]): readonly Grantee[] {
  const own = useCase.access.admin ?? [];
  return own.length > 0 ? own : admins;
}

/** What is thrown at somebody without the right; says which use case and which right, never who has it. */
export function refusal(useCase: UseCase, permission: Permission): AppError {
  return new AppError(
    'permission_denied',
    `You do not have permission to ${IN_WORDS[permission]} ${useCase.name} (${useCase.id}).`,
    { hint: `Ask an admin of ${useCase.name} to give you a role there.` },
  );
}
