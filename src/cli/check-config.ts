/** `signalbox check-config`: everything wrong with the configuration at once, or what it says. */
import { loadConfig } from '../config.ts';
import { type CliIo, line } from './io.ts';

export async function checkConfig(io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  line(io.stdout, `The configuration is right: ${config.path}`);
  line(io.stdout, `  data folder  ${config.dataDir}`);
  for (const { id, name, aws, channels } of config.useCases) {
    const place = aws
      ? `${aws.account} ${aws.region}, by ${aws.roleArn ?? "the bot's own credentials"}`
      : 'no AWS account';
    line(io.stdout, `  use case     ${id} (${name}): ${place}, in ${channels.join(' ')}`);
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
