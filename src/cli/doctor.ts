/** `signalbox doctor`: everything wrong between here, Slack and AWS, with the exact fix for each. */
import { join } from 'node:path';
import { createAwsAccounts } from '../aws/accounts.ts';
import { loadConfig } from '../config.ts';
import { createLogEngine } from '../logs/index.ts';
import { createUseCaseGateway } from '../providers/gateway.ts';
import type { Check } from './doctor/checks.ts';
import { checkDatabase } from './doctor/database-checks.ts';
import { checkEvents } from './doctor/event-checks.ts';
import { checkRuns } from './doctor/run-checks.ts';
import { checkSlack } from './doctor/slack-checks.ts';
import { checkTelemetry } from './doctor/telemetry-checks.ts';
import { checkUseCases } from './doctor/use-case-checks.ts';
import { checkViewer } from './doctor/viewer-checks.ts';
import { type CliIo, line } from './io.ts';
import { openKeptRuns } from './kept-runs.ts';
import { localActor } from './local-actor.ts';

const SYMBOLS: Readonly<Record<Check['status'], string>> = {
  ok: '✓ ok     ',
  warning: '! warning',
  failed: '✗ failed ',
  skipped: '- skipped',
};

/** @returns 0 when nothing failed, else 1; warnings alone are 0 */
export async function doctor(options: { json?: boolean }, io: CliIo): Promise<number> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const clock = { now: () => Date.now() };
  const accounts = createAwsAccounts({ clock });
  const engine = createLogEngine({ spoolDir: join(config.dataDir, 'spool'), clock });
  const { kept, close } = await openKeptRuns(config, clock);
  const gateway = createUseCaseGateway({ clock, accounts, engine, ...(kept ? { kept } : {}) });
  const checks = (
    await Promise.all([
      checkSlack(config.slack, config.useCases),
      checkUseCases(config.useCases, { gateway, accounts, actor: localActor() }),
      checkDatabase(config),
      checkEvents(config),
      checkViewer(config.viewer),
      checkRuns(config, clock),
      checkTelemetry(config),
    ])
  ).flat();
  await close();
  const failed = checks.filter(({ status }) => status === 'failed').length;
  if (options.json)
    line(io.stdout, JSON.stringify({ ok: failed === 0, config: config.path, checks }, null, 2));
  else print(checks, config.path, io);
  return failed === 0 ? 0 : 1;
}

function print(checks: readonly Check[], path: string, io: CliIo): void {
  line(io.stdout, `configuration: ${path}`);
  for (const about of new Set(checks.map((check) => check.about))) {
    line(io.stdout);
    line(io.stdout, about);
    for (const { title, status, detail, fix } of checks.filter((check) => check.about === about)) {
      line(io.stdout, `  ${SYMBOLS[status]}  ${title}: ${detail}`);
      if (fix !== undefined)
        line(io.stdout, fix.replace(/^/gm, '               ').replace(/^ {15}/, '        fix:   '));
    }
  }
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  line(io.stdout);
  line(
    io.stdout,
    `${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed, ${count('skipped')} skipped`,
  );
}
