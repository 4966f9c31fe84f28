/** Who is in which group and channel, when Slack answers, does not, or does not know the question. */
import { webApi } from '@slack/bolt';
import { afterEach, expect, it } from 'vitest';
import { may } from '../../src/domain/access.ts';
import { AppError } from '../../src/ground/errors.ts';
import { SlackDirectory } from '../../src/slack/directory.ts';
import { wordsOf } from './sandbox-client.ts';
import { job, LINE_3, startWorkspace, type TestWorkspace } from './workspace.ts';

let team: TestWorkspace | undefined;
afterEach(async () => {
  await team?.stop();
  team = undefined;
});

/** As a server answers that is compatible with Slack but for user groups. */
const withoutGroups = (): SlackDirectory =>
  new SlackDirectory({
    usergroups: {
      users: {
        list: () =>
          Promise.reject(
            new webApi.WebAPIPlatformError({ ok: false, error: 'unknown_method', response_metadata: {} }),
          ),
      },
    },
    conversations: { members: async () => ({ ok: true, members: ['U0CHLOE'] }) },
  } as unknown as ConstructorParameters<typeof SlackDirectory>[0]);

it('[L8] a server without user groups keeps out nobody but those whom only a group could let in', async () => {
  const line3 = { ...LINE_3, access: { viewer: ['channel-members'], operator: ['S0OPS', 'U0BEN'] } };
  const directory = withoutGroups();
  expect(await may('U0BEN', 'alerts:handle', line3, directory)).toBe(true);
  expect(await may('U0CHLOE', 'logs:read', line3, directory)).toBe(true);
  const error = await may('U0CHLOE', 'alerts:handle', line3, directory).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  const { code, message, hint, adminHint } = error as AppError;
  expect(code).toBe('unavailable');
  expect(message).toContain('did not say who is in a user group');
  expect(hint).toMatch(/usergroups\.users\.list: the answer to the call was unknown_method/);
  // Which group it is concerns admins alone.
  expect(`${message} ${hint}`).not.toContain('S0OPS');
  expect(adminHint).toContain('S0OPS');
});

it('[L8] who is named reads on while Slack does not say who is in a group', async () => {
  team = await startWorkspace();
  team.world.jobs = [job('train-resnet-1', 'line-3')];
  team.world.useCases = [{ ...LINE_3, access: { viewer: ['S0OPS', 'U0ADA'] } }];
  await team.post('/sandbox/faults', { on: 'usergroups.users.list', kind: 'fatal_error', times: 0 });
  await team.command('ada', 'C0LINE3', 'train-resnet-1');
  expect((await team.message('C0LINE3', 'Log of `train-resnet-1`* ·')).files).toHaveLength(1);
  await team.command('chloe', 'C0LINE3', 'train-resnet-1');
  const told = wordsOf(await team.message('C0LINE3', 'your permission depends on it', { user: 'chloe' }));
  expect(told).toContain('usergroups.users.list');
});
