/** The least that a stored record must be for the program to work with it: its key and what it is looked up by. */
import type { NotificationKind } from './notification-tables.ts';

type Kind = 'string' | 'number' | 'object' | 'list';

const EXPECTED: Readonly<Record<Kind, string>> = {
  string: 'a text',
  number: 'a number',
  object: 'an object',
  list: 'a list',
};

type Shape = Readonly<Record<string, Kind>>;

/** All kinds; the compiler makes sure of it, because a kind missing here would not be read back. */
const NOTIFICATIONS: Readonly<Record<NotificationKind, Shape>> = {
  event: { id: 'string', keys: 'list', state: 'string', receivedAt: 'number' },
  post: { key: 'string', createdAt: 'number', changedAt: 'number' },
  dead: { channel: 'string' },
  alert: {
    id: 'string',
    useCase: 'string',
    group: 'string',
    subjects: 'list',
    state: 'string',
    openedAt: 'number',
  },
  mute: { id: 'string' },
  subscription: { id: 'string' },
  channel: { channel: 'string' },
  timer: { id: 'string', dueAt: 'number' },
  tail: {
    id: 'string',
    useCase: 'string',
    job: 'string',
    channel: 'string',
    watchers: 'list',
    since: 'number',
    turn: 'number',
    until: 'number',
  },
  unfinished: { id: 'string', channel: 'string', since: 'number' },
  refusal: { useCase: 'string', kind: 'string', what: 'string', since: 'number' },
  secret: { name: 'string', value: 'string' },
  link: { id: 'string', until: 'number' },
};

export const NOTIFICATION_KINDS = Object.keys(NOTIFICATIONS) as readonly NotificationKind[];

const SHAPES: Readonly<Record<string, Shape>> = {
  ...NOTIFICATIONS,
  audit: { seq: 'number', at: 'number', actor: 'object' },
  job: { job: 'object', 'job.useCase': 'string', 'job.name': 'string' },
  attempt: {
    id: 'string',
    useCase: 'string',
    job: 'string',
    target: 'string',
    statuses: 'list',
    askedAt: 'number',
  },
  component: {
    useCase: 'string',
    chain: 'object',
    'chain.component': 'object',
    'chain.component.name': 'string',
    'chain.component.version': 'string',
  },
  archived: { useCase: 'string', job: 'string', lines: 'list', compiled: 'list' },
};

export const isKind = (kind: unknown): kind is string =>
  typeof kind === 'string' && kind !== 'archived' && Object.hasOwn(SHAPES, kind);

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns what is wrong with a record, in words; undefined when it can be worked with */
export function fitsKind(kind: string, row: unknown): string | undefined {
  if (!isObject(row)) return `${describe(row)} instead of a record`;
  for (const [path, expected] of Object.entries(SHAPES[kind]!)) {
    let value: unknown = row;
    for (const name of path.split('.')) value = (value as Record<string, unknown>)[name];
    const fits =
      expected === 'list'
        ? Array.isArray(value)
        : expected === 'object'
          ? isObject(value)
          : typeof value === expected;
    if (!fits) return `${describe(value)} as ${path} instead of ${EXPECTED[expected]}`;
  }
  return undefined;
}

/** A value in a few words, for the message that says what came. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length <= 40 ? text : `a text of ${text.length} characters`;
}
