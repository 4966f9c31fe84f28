/** Who but its own account may put events on a bus: `PutPermission` and `RemovePermission`. */
import { AwsError } from './errors.ts';
import type { EventBus, EventBuses } from './event-buses.ts';
import { type Input, Parameters } from './validation.ts';

interface StatementWithId {
  Sid?: string;
}

/** A whole policy, or one statement for one account. @throws AwsError ValidationException */
export function putPermission(buses: EventBuses, bus: EventBus, input: Input): void {
  const read = new Parameters(input, 'ValidationException');
  const policy = read.text('Policy');
  const action = read.text('Action', { values: ['events:PutEvents'] });
  const principal = read.text('Principal', { pattern: '(\\d{12}|\\*)' });
  const id = read.text('StatementId', { min: 1, max: 64, pattern: '[a-zA-Z0-9-_]+' });
  read.check();
  if (policy !== undefined) {
    buses.setPolicy(bus, policy);
    return;
  }
  if (action === undefined || principal === undefined || id === undefined) {
    throw new AwsError(
      'ValidationException',
      'Either Policy, or Action, Principal and StatementId must be given.',
    );
  }
  const statement = {
    Sid: id,
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : { AWS: `arn:aws:iam::${principal}:root` },
    Action: action,
    Resource: bus.arn,
  };
  const others = statements(bus).filter(({ Sid }) => Sid !== id);
  buses.setPolicy(bus, JSON.stringify({ Version: '2012-10-17', Statement: [...others, statement] }));
}

/** @throws AwsError ResourceNotFoundException */
export function removePermission(buses: EventBuses, bus: EventBus, input: Input): void {
  const read = new Parameters(input, 'ValidationException');
  const all = read.flag('RemoveAllPermissions') ?? false;
  const id = read.text('StatementId', { min: 1, max: 64 });
  read.check();
  const kept = statements(bus).filter(({ Sid }) => !all && Sid !== id);
  if (!all && kept.length === statements(bus).length) {
    throw new AwsError('ResourceNotFoundException', `Statement with the provided id does not exist.`);
  }
  const policy = { Version: '2012-10-17', Statement: kept };
  buses.setPolicy(bus, kept.length === 0 ? undefined : JSON.stringify(policy));
}

function statements(bus: EventBus): StatementWithId[] {
  if (bus.policyText === undefined) return [];
  const { Statement } = JSON.parse(bus.policyText) as { Statement: StatementWithId | StatementWithId[] };
  return Array.isArray(Statement) ? Statement : [Statement];
}
