/**
 * A use case's `providers` section. Of each provider: the shape of its keys, what they want, which of them name secrets,
 * and what of it the bot is given. A new provider has an entry in each, and in `ProviderSettings` of domain/providers.ts.
 */
import { z } from 'zod';
import type { NamedSecret, ProviderName, ProviderSettings } from '../domain/providers.ts';
import { url, variableName } from './scalars.ts';

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.1, and what of its values every client sends as it is. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

export const providersSection = z
  .strictObject({
    sagemaker: z.boolean().default(false),
    local: z
      .strictObject({
        baseUrl: url,
        tokenEnv: variableName.optional(),
        headers: z.record(z.string().regex(HEADER_NAME), z.string().regex(HEADER_VALUE)).optional(),
      })
      .optional(),
    runpod: z.looseObject({ apiKeyEnv: variableName.optional() }).optional(),
    push: z.strictObject({ tokenEnv: variableName }).optional(),
  })
  .prefault({ sagemaker: true });

export const PROVIDER_GUIDES: Readonly<Record<string, { expected: string; example: string }>> = {
  'useCases[].providers': { expected: 'a section', example: 'providers: { sagemaker: true }' },
  'useCases[].providers.sagemaker': { expected: 'true or false', example: 'sagemaker: true' },
  'useCases[].providers.local': {
    expected: 'a section',
    example: 'local: { baseUrl: "http://127.0.0.1:8700", tokenEnv: RUNNER_TOKEN }',
  },
  'useCases[].providers.local.baseUrl': {
    expected: 'an http or https URL',
    example: 'baseUrl: "http://127.0.0.1:8700"',
  },
  'useCases[].providers.local.tokenEnv': {
    expected: 'the name of the environment variable that holds the token, not the token',
    example: 'tokenEnv: RUNNER_TOKEN',
  },
  'useCases[].providers.local.headers': {
    expected: 'headers by name',
    example: 'headers: { x-gateway-key: "7" }',
  },
  'useCases[].providers.local.headers.*': {
    expected: 'a text of printable ASCII characters, under a name that a header can have',
    example: 'x-gateway-key: "7"',
  },
  'useCases[].providers.runpod': { expected: 'a section', example: 'runpod: { apiKeyEnv: RUNPOD_API_KEY }' },
  'useCases[].providers.runpod.apiKeyEnv': {
    expected: 'the name of the environment variable that holds the key, not the key',
    example: 'apiKeyEnv: RUNPOD_API_KEY',
  },
  'useCases[].providers.push': { expected: 'a section', example: 'push: { tokenEnv: PUSH_TOKEN }' },
  'useCases[].providers.push.tokenEnv': {
    expected: 'the name of the environment variable that holds the token, not the token',
    example: 'tokenEnv: PUSH_TOKEN',
  },
};

export interface SecretRule {
  /** What the variable has to hold. */
  holds: string;
  /** It is all that keeps strangers from making something up: a weak one is refused. */
  guards?: boolean;
}

/** The keys that name a secret of the environment, of the providers that this version works with. */
export const PROVIDER_SECRETS: { readonly [P in ProviderName]?: Readonly<Record<string, SecretRule>> } = {
  local: { tokenEnv: { holds: 'the RUNNER_TOKEN of the runner' } },
  push: { tokenEnv: { holds: 'what those who push runs have to send', guards: true } },
};

export type ProvidersSection = z.output<typeof providersSection>;

/** @param secret of the environment, by its variable's name */
export function toProviderSettings(
  { sagemaker, local, runpod, push }: ProvidersSection,
  secret: (variable: string) => NamedSecret,
): ProviderSettings {
  const named = (variable: string | undefined) => (variable === undefined ? undefined : secret(variable));
  return {
    sagemaker,
    local: local && { baseUrl: local.baseUrl, token: named(local.tokenEnv), headers: local.headers },
    runpod: runpod && { apiKey: named(runpod.apiKeyEnv) },
    push: push && { token: secret(push.tokenEnv) },
  };
}
