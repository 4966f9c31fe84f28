/** `signalbox check-config`: everything wrong with the configuration at once, or a summary of it. */

import { loadConfig } from '../config.ts';
import { PROVIDERS, providersCalled } from '../domain/providers.ts';
import { unsetVariables } from '../domain/train-templates.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { grouped } from '../ground/numbers.ts';
import { configuredProviders } from '../providers/index.ts';
import { type CliIo, line } from './io.ts';

export async function checkConfig(io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  line(io.stdout, `The configuration is right: ${config.path}`);
  line(io.stdout, `  data folder  ${config.dataDir}`);
  const { library } = config;
  const days = library && Math.round(library.keepFor / 86_400_000);
  line(
    io.stdout,
    `  log library  ${library ? `up to ${grouped(Math.round(library.disk / 1e6))} MB, ${days} days` : 'off'}`,
  );
  for (const useCase of config.useCases) {
    const { id, name, aws, channels } = useCase;
    const place = aws
      ? `${aws.account} ${aws.region}, by ${aws.roleArn ?? "the bot's own credentials"}`
      : 'no AWS account';
    line(io.stdout, `  use case     ${id} (${name}): ${place}, in ${channels.join(' ')}`);
    line(io.stdout, `               ${trainingOf(useCase)}; ${compilingOf(useCase)}`);
    for (const words of templatesOf(useCase)) line(io.stdout, `               ${words}`);
  }
  const slack = !config.slack
    ? 'no tokens in the environment; `signalbox start` needs them'
    : config.slack.connection.mode === 'socket'
      ? 'Socket Mode'
      : `HTTP mode on port ${config.slack.connection.port}`;
  line(io.stdout, `  Slack        ${slack}`);
  const { viewer } = config;
  line(io.stdout, `  viewer       ${viewer ? `${viewer.publicUrl}, on port ${config.port}` : 'none'}`);
  const { metrics, traces } = config;
  line(
    io.stdout,
    `  monitoring   ${metrics ? `metrics on ${metrics.host}, port ${metrics.port}` : 'no metrics'}; ${traces ? `traces to ${traces.url}` : 'no traces'}`,
  );
  return undefined;
}

function trainingOf(useCase: UseCase): string {
  const places = configuredProviders(useCase);
  if (places.length === 0) return 'trains nowhere: set one of its `providers`';
  const kinds = places.filter((name) => PROVIDERS[name].isKind).map((name) => `${PROVIDERS[name].thing}s`);
  const shown =
    kinds.length === 0 ? '' : `; shows SageMaker’s ${new Intl.ListFormat('en').format(kinds)} too`;
  const trains = places.filter((name) => !PROVIDERS[name].isKind);
  return `${trains.length === 0 ? 'trains nowhere' : `trains on ${providersCalled(trains)}`}${shown}`;
}

function templatesOf({ train }: UseCase): string[] {
  if (!train) return [];
  const names = train.templates.map(({ name, provider }) => `${name} (${PROVIDERS[provider].label})`);
  const unset = train.templates.flatMap((template) =>
    unsetVariables(template).map(
      (variable) =>
        `! template ${template.name}: ${variable} is not set in the environment; /train refuses it`,
    ),
  );
  return [`/train starts ${names.join(', ')}`, ...unset];
}

function compilingOf({ compile }: UseCase): string {
  if (!compile) return 'compiles nothing';
  if (compile.targets.length === 0) return 'compiles for the targets that people name';
  return `compiles for ${compile.targets.join(', ')}${compile.auto ? ', by itself' : ''}`;
}
