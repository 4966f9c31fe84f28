/** Whether the environment has the secrets that a use case's providers name. */
import { canGuard, GUARDING } from './guarding-secrets.ts';
import type { ConfigProblem } from './problems.ts';
import { PROVIDER_SECRETS, type ProvidersSection, type SecretRule } from './provider-settings.ts';

/**
 * Secrets that a use case's providers need and do not have.
 * @param at the section's place in the file: `useCases[0].providers`
 * @param read gives a variable of the environment
 */
export function secretProblems(
  providers: ProvidersSection,
  at: string,
  read: (variable: string) => string | undefined,
): ConfigProblem[] {
  return Object.entries(PROVIDER_SECRETS).flatMap(([provider, rules]) =>
    Object.entries(rules).flatMap(([key, rule]) => {
      const settings = providers[provider as keyof ProvidersSection] as
        | Readonly<Record<string, unknown>>
        | undefined;
      const name = settings?.[key];
      return typeof name === 'string'
        ? secretProblem(`${at}.${provider}.${key}`, name, rule, read(name))
        : [];
    }),
  );
}

function secretProblem(
  key: string,
  name: string,
  { holds, guards = false }: SecretRule,
  value: string | undefined,
): ConfigProblem[] {
  if (value === undefined)
    return [
      {
        key,
        message: `${key}: expected ${name} in the environment, ${holds}, but it is not set. Example: ${name}=…`,
      },
    ];
  if (!guards || canGuard(value)) return [];
  // Never the value itself.
  return [
    {
      key,
      message: `${key}: expected ${name} to be ${GUARDING}, but it has ${value.length} characters. Example: ${name}=$(openssl rand -hex 32)`,
    },
  ];
}
