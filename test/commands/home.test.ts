/** What the Home tab says of the person's downloads. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/commands/context.ts';
import { homeTab } from '../../src/commands/home.ts';
import type { Services } from '../../src/commands/services.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from '../operations/simulated-account.ts';

describe('[C11] the latest downloads on the Home tab', () => {
  it('are those that left a file, and offer again what can be asked for again', async () => {
    const bot = new Background(new SimulatedAccount());
    const download = (subject: string, events: number, more: Record<string, string> = {}) =>
      bot.store.appendAudit({
        at: 1,
        actor: ADA,
        action: 'logs.downloaded',
        useCase: 'line-3',
        subject,
        detail: { events, bytes: events * 80, ...more },
      });
    await download('press-resnet', 1200);
    await download('press-nothing-yet', 0);
    await download('press-resnet-jetson-xavier-k3v8', 40, { kind: 'compilation' });
    // Of a use case in which they have no role any more.
    await bot.store.appendAudit({
      ...{ at: 2, actor: ADA, action: 'logs.downloaded', useCase: 'harbor', subject: 'crane-secret' },
      detail: { events: 7, bytes: 70 },
    });
    const services = {
      ...bot.deps,
      store: Object.assign(bot.store, { listSubscriptions: async () => [] }),
      useCases: [{ ...LINE_3, access: { viewer: ['U0ADA'] } }],
      admins: [],
      alerts: { unresolved: async () => [] },
      directory: { isInGroup: async () => false, isInChannel: async () => false },
    } as unknown as Services;
    const home = await homeTab(services, [])({ actor: ADA, slash: '/' } as unknown as Context);
    const sections = home.blocks
      .filter(({ type }) => type === 'section')
      .map((block) => JSON.stringify(block));
    expect(sections.join()).toContain('1,200 events');
    expect(sections.join()).not.toMatch(/crane-secret|press-nothing-yet|"0 events|\b0 events/);
    // A compilation's log is not a training job's: its button would find nothing.
    const compile = sections.find((one) => one.includes('k3v8'))!;
    expect(compile).toContain('Compile log of');
    expect(compile).not.toContain('accessory');
  });
});
