/**
 * A use case's `providers` section. Of each provider: the shape of its keys, what they want, which of them name secrets,
 * and what of it the bot is given. A new provider has an entry in each, and in `ProviderSettings` of domain/providers.ts.
 */
import { z } from 'zod';
import { GLOB_LIMIT } from '../domain/name-glob.ts';
import {
  type NamedSecret,
  type ProviderName,
  type ProviderSettings,
  SAGEMAKER_NAMES,
} from '../domain/providers.ts';
import { kindWord } from '../domain/sagemaker-kinds.ts';
import { url, variableName } from './scalars.ts';

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.1, and what of its values every client sends as it is. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

/** As people write them: `training` is the provider `sagemaker`. */
const KIND_WORDS = SAGEMAKER_NAMES.map(kindWord) as [string, ...string[]];
const podPattern = z.string().min(1).max(GLOB_LIMIT);

export const providersSection = z
  .strictObject({
    sagemaker: z
      .preprocess(
        (given) => (typeof given === 'boolean' ? { kinds: given ? ['training'] : [] } : given),
        z.strictObject({ kinds: z.union([z.literal('all'), z.array(z.enum(KIND_WORDS))]) }),
      )
      .prefault(false),
    local: z
      .strictObject({
        baseUrl: url,
        tokenEnv: variableName.optional(),
        headers: z.record(z.string().regex(HEADER_NAME), z.string().regex(HEADER_VALUE)).optional(),
      })
      .optional(),
    runpod: z
      .strictObject({
        apiKeyEnv: variableName.optional(),
        pods: z.union([podPattern, z.array(podPattern).min(1)]).optional(),
      })
      .optional(),
    push: z.strictObject({ tokenEnv: variableName }).optional(),
  })
  .prefault({ sagemaker: true });

export const PROVIDER_GUIDES: Readonly<Record<string, { expected: string; example: string }>> = {
  'useCases[].providers': { expected: 'a section', example: 'providers: { sagemaker: true }' },
  'useCases[].providers.sagemaker': {
    expected: 'true (training jobs alone), false, or the kinds of its jobs',
    example: 'sagemaker: { kinds: all }',
  },
  'useCases[].providers.sagemaker.kinds': {
    expected: `all, or some of ${KIND_WORDS.join(', ')}`,
    example: 'kinds: [training, processing]',
  },
  'useCases[].providers.sagemaker.kinds[]': {
    expected: `one of ${KIND_WORDS.join(', ')}`,
    example: 'kinds: [training, processing]',
  },
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
  'useCases[].providers.runpod.pods': {
    expected: 'the name of pods, or several, with * for any characters',
    example: 'pods: "line-3-*"',
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

export interface ProviderSurroundings {
  /** Of the environment, by its variable's name. */
  secret(variable: string): NamedSecret;
  /** Where RunPod's API is. */
  runPodUrl: string;
}

export function toProviderSettings(
  { sagemaker, local, runpod, push }: ProvidersSection,
  { secret, runPodUrl }: ProviderSurroundings,
): ProviderSettings {
  const named = (variable: string | undefined) => (variable === undefined ? undefined : secret(variable));
  return {
    sagemaker: namedKinds(sagemaker.kinds),
    local: local && { baseUrl: local.baseUrl, token: named(local.tokenEnv), headers: local.headers },
    runpod: runpod && {
      apiUrl: runPodUrl,
      apiKey: named(runpod.apiKeyEnv),
      pods: [runpod.pods ?? []].flat(),
    },
    push: push && { token: secret(push.tokenEnv) },
  };
}

/** In the order of the table, each once. */
function namedKinds(named: 'all' | readonly string[]): ProviderSettings['sagemaker'] {
  const kinds = SAGEMAKER_NAMES.filter((name) => named === 'all' || named.includes(kindWord(name)));
  if (kinds.length === 0) return false;
  return kinds.length === 1 && kinds[0] === 'sagemaker' ? true : { kinds };
}
