/** The help names commands as this workspace calls them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordsOf } from '../slack/sandbox-client.ts';
import { startWorkspace, type TestWorkspace } from '../slack/workspace.ts';

describe('[O3] in a workspace whose manifest has a prefix', () => {
  let team: TestWorkspace;
  beforeAll(async () => {
    team = await startWorkspace({ prefix: 'ml-' });
  });
  afterAll(() => team?.stop());

  it('the help has the commands as they are typed there', async () => {
    await team.command('ada', 'C0LINE3', 'help', '/ml-signalbox');
    const help = wordsOf(await team.message('C0LINE3', 'Signalbox', { user: 'ada' }));
    for (const command of ['`/ml-logs ', '`/ml-compile ', '/ml-signalbox subscribe', '/ml-logs help'])
      expect(help).toContain(command);
    expect(help).not.toMatch(/`\/(?:logs|compile|jobs|components|signalbox)/);
  });

  it('so have errors and the Home tab', async () => {
    await team.command('ada', 'C0LINE3', 'alrts', '/ml-signalbox');
    const error = wordsOf(await team.message('C0LINE3', 'Did you mean', { user: 'ada' }));
    expect(error).toContain('Did you mean /ml-signalbox alerts?');
    expect(error).toContain('/ml-jobs');
    await team.post('/sandbox/slack/home', { user: 'ada' });
    const home = JSON.stringify(await team.home('ada'));
    expect(home).toContain('`/ml-logs ');
    expect(home).not.toMatch(/`\/(?:logs|compile|jobs|components|signalbox)/);
  });

  it('a mention is answered with mentions', async () => {
    const text = '<@U0SIGNALBOX> signalbox help';
    await team.post('/sandbox/slack/message', { user: 'ada', channel: 'C0LINE3', text });
    const help = wordsOf(await team.message('C0LINE3', '@signalbox logs', { user: 'ada' }));
    expect(help).toContain('`@signalbox signalbox subscribe');
  });
});
