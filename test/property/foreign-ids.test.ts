/**
 * The confused deputy: somebody who may do everything in one team sends, by every action, window, field and shortcut
 * that is registered, every mixture of their own ids and another team's. And what is another's looks like what does not
 * exist, to them and to who belongs to no team.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Place } from '../../src/commands/context.ts';
import { HONEST } from '../fixtures/honest-attempts.ts';
import {
  ALPHA_ADMIN,
  type Attempt,
  attempt,
  BRAVO_ADMIN,
  GHOST,
  type Ids,
  OUTSIDER,
  SECRET,
  startTwoTeams,
  type TwoTeams,
} from '../fixtures/two-teams.ts';

type Surface = Attempt['surface'];
const SURFACES: readonly Surface[] = ['actions', 'views', 'options', 'shortcuts'];
const CHANNEL: Place = { channel: 'C0ALPHA', isDirect: false };
const DIRECT: Place = { channel: 'D0ADA', isDirect: true };
/** As a window's metadata may say, of a channel in which the person is not. */
const CLAIMED: Place = { channel: 'C0BRAVO', isDirect: false, claimed: true };

let teams: TwoTeams;
beforeAll(async () => {
  teams = await startTwoTeams();
});
afterAll(() => teams?.stop());

const registered = (surface: Surface): string[] =>
  teams.commands.flatMap((command) => Object.keys(command[surface] ?? {})).sort();

/** The ids that it carries. */
function carried(surface: Surface, id: string): (keyof Ids)[] {
  const used = new Set<keyof Ids>();
  const watch = new Proxy(GHOST, {
    get: (ids, key: keyof Ids) => {
      used.add(key);
      return ids[key];
    },
  });
  HONEST[surface][id]!(watch);
  return [...used];
}

/** All choices of some of the keys, but for none of them. */
function choices<T>(keys: readonly T[]): T[][] {
  const sets: T[][] = [[]];
  for (const key of keys) sets.push(...sets.map((set) => [...set, key]));
  return sets.slice(1);
}

const mix = (own: Ids, foreign: Ids, keys: readonly (keyof Ids)[]): Ids => ({
  ...own,
  ...Object.fromEntries(keys.map((key) => [key, foreign[key]])),
});

const made = (surface: Surface, id: string, ids: Ids): Attempt => ({
  surface,
  id,
  ...HONEST[surface][id]!(ids),
});

/** What is clicked in a window says where it was opened as the window itself does. */
const places = (surface: Surface): Place[] =>
  surface === 'shortcuts' ? [CHANNEL, DIRECT] : [CHANNEL, DIRECT, CLAIMED];

/** Mixtures of what it carries, everywhere; and for an action every pair of ids, whatever it takes them for. */
function attemptsAt(surface: Surface, id: string): { what: Attempt; place: Place }[] {
  const { alpha, bravo } = teams;
  const mixtures = places(surface).flatMap((place) =>
    // Used as meant and at home, it is no attempt.
    [...(place === CLAIMED ? [[]] : []), ...choices(carried(surface, id))].map((keys) => ({
      ...{ what: made(surface, id, mix(alpha, bravo, keys)), place },
    })),
  );
  if (surface !== 'actions') return mixtures;
  const foreign = Object.values(bravo);
  const pairs = [
    ...foreign.flatMap((one) => [`${alpha.useCase} ${one}`, `${bravo.useCase} ${one}`, one]),
    ...Object.values(alpha).map((one) => `${bravo.useCase} ${one}`),
  ];
  return [
    ...mixtures,
    ...pairs.map((pair) => ({ what: { surface, id, value: pair, block: pair }, place: DIRECT })),
  ];
}

it('[L8] every action, window, field and shortcut is tried: a new one has its line among the honest attempts', () => {
  for (const surface of SURFACES) expect(registered(surface)).toEqual(Object.keys(HONEST[surface]).sort());
});

it('[L8] each is understood when it is used as meant', async () => {
  const odd: string[] = [];
  for (const surface of SURFACES)
    for (const id of registered(surface)) {
      const fresh = await startTwoTeams();
      const shown = await attempt(fresh, ALPHA_ADMIN, CHANNEL, made(surface, id, fresh.alpha));
      await fresh.stop();
      if (
        /another version|not there any more|anything by that name|do not have permission|went wrong/.test(
          shown,
        )
      )
        odd.push(`${id}: ${shown}`);
    }
  expect(odd).toEqual([]);
});

it('[L8] no mixture of own and foreign ids reaches what is another team’s', async () => {
  const { bravo, opened } = teams;
  let before = await teams.stored(bravo);
  const rows: { surface: Surface; id: string; attempts: number; in: number; how: string[] }[] = [];
  for (const surface of SURFACES)
    for (const id of registered(surface)) {
      const row = { surface, id, attempts: 0, in: 0, how: [] as string[] };
      rows.push(row);
      for (const { what, place } of attemptsAt(surface, id)) {
        opened.length = 0;
        const shown = await attempt(teams, ALPHA_ADMIN, place, what);
        const after = await teams.stored(bravo);
        row.attempts += 1;
        const gotIn = [
          ...(after === before ? [] : ['changed it']),
          ...(opened.some((one) => one === `bravo ${ALPHA_ADMIN}`) ? ['opened its account'] : []),
          ...(shown.includes(SECRET) ? ['saw it'] : []),
        ];
        before = after;
        if (gotIn.length > 0) {
          row.in += 1;
          row.how.push(`${JSON.stringify(what)} in ${place.channel}: ${gotIn.join(', ')}`);
        }
      }
    }
  expect(rows.filter((row) => row.in > 0)).toEqual([]);
  const all = rows.reduce((sum, { attempts }) => sum + attempts, 0);
  const table = [
    '# Attempts with another team’s ids',
    '',
    'Made by `test/property/foreign-ids.test.ts`: an admin of one team sends every mixture of their own ids and',
    'another team’s, in their own channel, by direct message, and from a window that claims to be in the other’s',
    'channel; to every action also every pair of one team’s use case and another id, whatever it takes them for.',
    'Got in: something of the other team was changed, its account was opened, or something of it was shown.',
    '',
    '| what | carries | attempts | got in |',
    '|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| \`${row.id}\` | ${carried(row.surface, row.id).join(', ') || 'nothing'} | ${row.attempts} | ${row.in} |`,
    ),
    `| **all** | | **${all}** | **0** |`,
    '',
  ].join('\n');
  await expect(table).toMatchFileSnapshot('./foreign-ids.md');
});

/** Without what differs by itself: references, new ids, and the ids that were sent. */
function neutral(shown: string, ids: Ids, keys: readonly (keyof Ids)[]): string {
  const byLength = keys.map((key) => [key, ids[key]] as const).sort(([, a], [, b]) => b.length - a.length);
  return byLength
    .reduce((text, [key, id]) => text.replaceAll(id, `<${key}>`), shown)
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'new id')
    .replace(/[Rr]eference `?[a-z0-9]{8}`?/g, 'reference');
}

it.each([
  ['a member of another team', ALPHA_ADMIN],
  ['somebody of no team', OUTSIDER],
])(
  '[L8] what is another’s looks like what does not exist, to %s',
  async (_, user) => {
    const different: unknown[] = [];
    for (const surface of SURFACES)
      for (const id of registered(surface))
        for (const keys of choices(carried(surface, id)))
          for (const place of [DIRECT, { channel: 'C0GENERAL', isDirect: false }, CLAIMED]) {
            const answer = async (foreign: Ids): Promise<string> => {
              const ids = mix(teams.alpha, foreign, keys);
              const at = place.channel === 'C0BRAVO' ? { ...place, channel: foreign.channel } : place;
              return neutral(await attempt(teams, user, at, made(surface, id, ids)), foreign, [
                ...keys,
                'channel',
              ]);
            };
            const [theirs, nobodys] = [await answer(teams.bravo), await answer(GHOST)];
            if (theirs !== nobodys) different.push(`${id} ${keys} in ${place.channel}`, theirs, nobodys);
          }
    expect(different).toEqual([]);
  },
  60_000,
);

it('[L8] who may, gets in by the same attempts', async () => {
  const shown = await attempt(
    teams,
    BRAVO_ADMIN,
    { channel: 'C0BRAVO', isDirect: false },
    {
      ...made('actions', 'compile.artifact', teams.bravo),
    },
  );
  expect(shown).toContain(SECRET);
});

it('[N5] a window that claims to be in a channel does not show that channel’s settings', async () => {
  const open = (place: Place) =>
    attempt(teams, ALPHA_ADMIN, place, { surface: 'actions', id: 'settings.open' });
  expect(await open(CLAIMED)).toContain('a channel that you are not in');
  expect(await open({ ...CHANNEL, claimed: true })).toContain('settings.form');
});

it('[N4] an alert is passed only to somebody who can handle it, and nobody else is called', async () => {
  const fresh = await startTwoTeams();
  const { alpha, services } = fresh;
  const block = `${alpha.useCase} ${alpha.alert}`;
  const pass = (value: string) =>
    attempt(fresh, ALPHA_ADMIN, CHANNEL, { surface: 'actions', id: 'alert.pass', value, block });
  const calls = async () => (await services.store.getAlert(alpha.alert))!.calls?.length;
  const before = await calls();
  for (const nobody of [OUTSIDER, BRAVO_ADMIN, 'U0NOBODY'])
    expect(await pass(nobody)).toContain('cannot handle the alerts of Alpha');
  expect(await calls()).toBe(before);
  expect((await services.store.getAlert(alpha.alert))!.assignee).toBeUndefined();
  await pass(ALPHA_ADMIN);
  expect((await services.store.getAlert(alpha.alert))!.assignee).toBe(ALPHA_ADMIN);
  await fresh.stop();
});
