/** Roles that AWS's services take on to do their work, and what those roles may do. */
import type { Iam } from './iam.ts';
import { evaluate, type Statement } from './policy.ts';

/** Whether `service` (`sagemaker.amazonaws.com`) may take the role on. */
export function serviceMayAssume(iam: Iam, roleArn: string, service: string): boolean {
  const statements = iam.findRole(roleArn)?.trust.Statement ?? [];
  const concerned = statements.filter((statement) => principals(statement).includes(service));
  return (
    concerned.some(({ Effect }) => Effect === 'Allow') && !concerned.some(({ Effect }) => Effect === 'Deny')
  );
}

/** Whether the role's own policy lets it do this. */
export function roleMay(iam: Iam, roleArn: string, action: string, resources: readonly string[]): boolean {
  const role = iam.findRole(roleArn);
  return (
    role !== undefined &&
    evaluate(role.policy, action, resources, { 'aws:PrincipalArn': roleArn }) === 'allow'
  );
}

function principals({ Principal }: Statement): readonly string[] {
  if (Principal === undefined || Principal === '*') return [];
  const { Service } = Principal;
  return Service === undefined ? [] : typeof Service === 'string' ? [Service] : Service;
}
