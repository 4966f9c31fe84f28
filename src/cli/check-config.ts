/** `signalbox check-config`: everything wrong with the configuration at once, or a summary of it. */
import { loadConfig } from '../config.ts';
import { providersCalled } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
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
    `  log library  ${library ? `up to ${Math.round(library.disk / 1e6).toLocaleString('en-US')} MB, ${days} days` : 'off'}`,
  );
  for (const useCase of config.useCases) {
    const { id, name, aws, channels } = useCase;
    const place = aws
      ? `${aws.account} ${aws.region}, by ${aws.roleArn ?? "the bot's own credentials"}`
      : 'no AWS account';
    line(io.stdout, `  use case     ${id} (${name}): ${place}, in ${channels.join(' ')}`);
    line(io.stdout, `               ${trainingOf(useCase)}; ${compilingOf(useCase)}`);
  }
  const slack = !config.slack
    ? 'no tokens in the environment; `signalbox start` needs them'
    : config.slack.connection.mode === 'socket'
      ? 'Socket Mode'
      : `HTTP mode on port ${config.slack.connection.port}`;
  line(io.stdout, `  Slack        ${slack}`);
  const { viewer } = config;
  line(io.stdout, `  viewer       ${viewer ? `${viewer.publicUrl}, on port ${config.port}` : 'none'}`);
  return undefined;
}

function trainingOf(useCase: UseCase): string {
  const places = configuredProviders(useCase);
  if (places.length === 0) return 'trains nowhere: set one of its `providers`';
  return `trains on ${providersCalled(places)}`;
}

function compilingOf({ compile }: UseCase): string {
  if (!compile) return 'compiles nothing';
  if (compile.targets.length === 0) return 'compiles for the targets that people name';
  return `compiles for ${compile.targets.join(', ')}${compile.auto ? ', by itself' : ''}`;
}
