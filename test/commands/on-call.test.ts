/** Who is on call, by name. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import { showOnCall } from '../../src/commands/alerts.ts';
import type { Context } from '../../src/commands/context.ts';
import type { Services } from '../../src/commands/services.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { ADA, LINE_3 } from '../operations/simulated-account.ts';

const NOW = Date.UTC(2026, 0, 13, 12);
const WEEKLY = {
  rotation: ['U0CHLOE', 'U0DEV'],
  since: '2026-01-05',
  handover: '09:00',
  timeZone: 'UTC',
};

async function shown(
  levels: NonNullable<UseCase['onCall']>['levels'],
  membersOf: (group: string) => Promise<readonly string[]>,
): Promise<string> {
  const said: Message[] = [];
  const useCase = {
    ...LINE_3,
    channels: ['C0LINE3'],
    access: { viewer: ['U0ADA'] },
    onCall: { levels, escalateAfterMs: 600_000 },
  };
  const services = {
    useCases: [useCase],
    admins: [],
    clock: { now: () => NOW },
    directory: { isInGroup: async () => false, isInChannel: async () => false, membersOf },
  } as unknown as Services;
  const context = {
    actor: ADA,
    place: { isDirect: false, channel: 'C0LINE3' },
    log: pino({ level: 'silent' }),
    reply: { privately: async (message: Message) => void said.push(message) },
  } as unknown as Context;
  await showOnCall(services, context);
  return JSON.stringify(said);
}

describe('[N4] /signalbox oncall', () => {
  it('names the people who are in a group now, and whose week a rotation is in', async () => {
    const text = await shown([['S0OPS'], [WEEKLY]], async () => ['U0BEN', 'U0ADA']);
    expect(text).toContain('1. <@U0BEN> <@U0ADA> of <!subteam^S0OPS> (at once)');
    expect(text).toContain('2. <@U0DEV> (after 10 min without an answer), then <@U0CHLOE> from <!date^');
  });

  it('says when a group is empty, and when Slack does not say who is in it', async () => {
    expect(await shown([['S0OPS']], async () => [])).toContain('nobody: <!subteam^S0OPS> is empty');
    const away = shown([['S0OPS']], () => Promise.reject(new AppError('unavailable', 'Away.')));
    expect(await away).toContain('<!subteam^S0OPS> (Slack does not say who is in it)');
  });
});
