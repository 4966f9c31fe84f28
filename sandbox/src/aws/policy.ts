/** IAM policy documents: the part of the language that roles, trusts and session policies here need. */
import { AwsError } from './errors.ts';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action?: string | readonly string[];
  Resource?: string | readonly string[];
  /** Trust policies only. */
  Principal?: '*' | { AWS?: string | readonly string[]; Service?: string | readonly string[] };
  Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  Version?: string;
  Statement: readonly Statement[];
}

/** Condition keys of the request: `sts:ExternalId`, `aws:PrincipalArn`, … A key that is absent matches nothing. */
export type PolicyContext = Readonly<Record<string, string | undefined>>;

export type Verdict = 'allow' | 'deny' | 'silent';

const CONDITION_OPERATORS = ['StringEquals', 'StringNotEquals', 'StringLike', 'ArnEquals', 'ArnLike'];

/**
 * @throws AwsError MalformedPolicyDocument, also for a condition operator that is not evaluated here: a
 *   condition that is silently ignored would grant more than the real service grants
 */
export function parsePolicy(text: string): PolicyDocument {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'This policy contains invalid Json');
  }
  const raw = (parsed as { Statement?: unknown } | null)?.Statement;
  const statements = Array.isArray(raw) ? raw : raw === undefined ? [] : [raw];
  if (statements.length === 0) {
    throw new AwsError('MalformedPolicyDocument', 'Syntax errors in policy.');
  }
  for (const statement of statements as Statement[]) {
    if (statement === null || typeof statement !== 'object' || !/^(Allow|Deny)$/.test(statement.Effect)) {
      throw new AwsError('MalformedPolicyDocument', 'Syntax errors in policy.');
    }
    const actions = list(statement.Action);
    if (actions.length === 0 || actions.some((action) => !/^(\*|[\w-]+:[\w*?]+)$/.test(action))) {
      throw new AwsError(
        'MalformedPolicyDocument',
        'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
      );
    }
    if (statement.Principal === undefined && list(statement.Resource).length === 0) {
      throw new AwsError('MalformedPolicyDocument', 'Policy statement must contain resources.');
    }
    for (const resource of list(statement.Resource)) {
      if (resource !== '*' && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:.+$/.test(resource)) {
        throw new AwsError('MalformedPolicyDocument', `Resource ${resource} must be in ARN format or "*".`);
      }
    }
    for (const operator of Object.keys(statement.Condition ?? {})) {
      if (!CONDITION_OPERATORS.includes(operator)) {
        throw new AwsError(
          'MalformedPolicyDocument',
          `Invalid Condition type : ${operator} (the sandbox evaluates ${CONDITION_OPERATORS.join(', ')}).`,
        );
      }
    }
  }
  return { Statement: statements as Statement[] };
}

/** `resources` are the names of one thing: a statement that matches any of them matches it. */
export function evaluate(
  policy: PolicyDocument,
  action: string,
  resources: readonly string[],
  context: PolicyContext,
): Verdict {
  let verdict: Verdict = 'silent';
  for (const statement of policy.Statement) {
    if (!list(statement.Action).some((pattern) => wildcard(pattern.toLowerCase(), action.toLowerCase())))
      continue;
    if (!list(statement.Resource).some((pattern) => resources.some((arn) => wildcard(pattern, arn))))
      continue;
    if (!conditionsHold(statement, context)) continue;
    if (statement.Effect === 'Deny') return 'deny';
    verdict = 'allow';
  }
  return verdict;
}

/**
 * What a resource's own policy (a queue's, an event bus's) says to somebody: a principal by the ARNs and the
 * account it goes by, or a service of AWS. No policy says nothing.
 */
export function evaluateResource(
  policy: PolicyDocument | undefined,
  who: { aws: readonly string[] } | { service: string },
  action: string,
  resources: readonly string[],
  context: PolicyContext,
): Verdict {
  const concerning = policy?.Statement.filter(({ Principal }) => {
    if (Principal === '*') return true;
    if ('service' in who) return list(Principal?.Service).includes(who.service);
    return list(Principal?.AWS).some((name) => name === '*' || who.aws.includes(name));
  });
  return evaluate({ Statement: concerning ?? [] }, action, resources, context);
}

/** Whether a role's trust policy lets this principal in. An account's root stands for everybody in it. */
export function trusts(
  policy: PolicyDocument,
  principalArns: readonly string[],
  context: PolicyContext,
): boolean {
  let trusted = false;
  for (const statement of policy.Statement) {
    if (!list(statement.Action).some((pattern) => wildcard(pattern, 'sts:AssumeRole'))) continue;
    const { Principal } = statement;
    const named =
      Principal === '*' || list(Principal?.AWS).some((arn) => arn === '*' || principalArns.includes(arn));
    if (!named || !conditionsHold(statement, context)) continue;
    if (statement.Effect === 'Deny') return false;
    trusted = true;
  }
  return trusted;
}

function conditionsHold(statement: Statement, context: PolicyContext): boolean {
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = context[key];
      if (operator === 'StringNotEquals') return value === undefined || !list(wanted).includes(value);
      if (value === undefined) return false;
      if (operator === 'StringEquals') return list(wanted).includes(value);
      return list(wanted).some((pattern) => wildcard(pattern, value));
    }),
  );
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

const compiled = new Map<string, RegExp>();

function wildcard(pattern: string, text: string): boolean {
  if (pattern === '*' || pattern === text) return true;
  if (!/[*?]/.test(pattern)) return false;
  let regex = compiled.get(pattern);
  if (regex === undefined) {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replace(/\?/g, '.');
    regex = new RegExp(`^${source}$`, 's');
    // Session policies come from callers: keep the cache from growing with them.
    if (compiled.size > 1000) compiled.clear();
    compiled.set(pattern, regex);
  }
  return regex.test(text);
}
