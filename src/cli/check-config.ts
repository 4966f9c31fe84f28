/** `signalbox check-config`: everything wrong with the configuration at once, or what it says. */
import { loadConfig } from '../config.ts';
import { type CliIo, line } from './io.ts';

export async function checkConfig(io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  line(io.stdout, `The configuration is right: ${config.path}`);
  line(io.stdout, `  data folder  ${config.dataDir}`);
  for (const { id, name, account, region, roleArn, channels } of config.useCases) {
    const reach = roleArn === undefined ? "the bot's own credentials" : roleArn;
    line(
      io.stdout,
      `  use case     ${id} (${name}): ${account} ${region}, by ${reach}, in ${channels.join(' ')}`,
    );
  }
  const slack = !config.slack
    ? 'no tokens in the environment; `signalbox start` needs them'
    : config.slack.connection.mode === 'socket'
      ? 'Socket Mode'
      : `HTTP mode on port ${config.slack.connection.port}`;
  line(io.stdout, `  Slack        ${slack}`);
  return undefined;
}
