/** Alerts, of which a group has one unresolved at most, and mutes. */
import type { Alert } from '../../domain/alerts.ts';
import type { Mute } from '../../domain/mutes.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import { noAlert, otherAlert } from '../refused.ts';
import type { Database } from './database.ts';
import { changeIn, column, columnOf, type Kind, read } from './records.ts';
import { records } from './table.ts';

export const ALERTS: Kind<Alert> = {
  name: 'alert',
  table: 'alerts',
  key: ({ id }) => id,
  columns: {
    use_case: ({ useCase }) => column(useCase),
    in_group: ({ useCase, group }) => columnOf(useCase, group),
    resolved: ({ state }) => state === 'resolved',
    opened_at: ({ openedAt }) => openedAt,
    resolved_at: ({ resolved }) => resolved?.at ?? null,
  },
  follow(transaction, after, before) {
    // Of a flood's thousands only what has come and gone.
    const then = new Set(before?.subjects.map(({ id }) => id));
    const now = new Set(after.subjects.map(({ id }) => id));
    const subjects = (ids: Iterable<string>): string[] =>
      [...new Set([...ids].map((id) => columnOf(after.useCase, id)))].sort();
    const gone = subjects([...then].filter((id) => !now.has(id)));
    const added = subjects([...now].filter((id) => !then.has(id)));
    if (gone.length > 0)
      transaction.put('delete from alert_subjects where alert = $1 and subject = any($2::text[])', [
        column(after.id),
        gone,
      ]);
    if (added.length > 0)
      transaction.put(
        `insert into alert_subjects (subject, alert) select unnest($2::text[]), $1
         on conflict (subject) do update set alert = excluded.alert`,
        [column(after.id), added],
      );
  },
};

export const MUTES: Kind<Mute> = {
  name: 'mute',
  table: 'mutes',
  key: ({ id }) => id,
  columns: { use_case: ({ useCase }) => column(useCase), until: ({ until }) => until ?? null },
};

const OF_SUBJECT =
  'select record from alerts where key = (select alert from alert_subjects where subject = $1)';

const OPEN =
  'select record from alerts where in_group = $1 and not resolved order by seq desc limit 1 for update';

export function alerts(database: Database): AlertStore {
  const all = records(database, ALERTS);
  const mutes = records(database, MUTES);
  return {
    getAlert: (id) => all.get(id),
    listAlerts: ({ useCase, unresolved, limit }) =>
      all.list(
        `select record from alerts
         where ($1::text is null or use_case = $1) and ($2::boolean is null or resolved <> $2)
         order by opened_at desc, seq desc limit $3`,
        [useCase === undefined ? null : column(useCase), unresolved ?? null, limit],
      ),
    changeAlertOfGroup: (key, change) => {
      const group = columnOf(key.useCase, key.group);
      const subject = columnOf(key.useCase, key.subject);
      return database.write([`group ${group}`, `subject ${subject}`], async (transaction) => {
        // There may be no row to lock yet. Sorted, so that nobody waits for somebody who waits for them.
        for (const one of [`group ${group}`, `subject ${subject}`])
          void transaction.read('select pg_advisory_xact_lock(hashtextextended($1, 7303014))', [one]);
        const [[told], [open]] = await Promise.all([
          transaction.read<{ record: unknown }>(OF_SUBJECT, [subject]),
          transaction.read<{ record: unknown }>(OPEN, [group]),
        ]);
        if (told) return read(ALERTS, told);
        const before = open && read(ALERTS, open);
        const after = change(before);
        if (after === undefined || after === before) return before;
        if (after.useCase !== key.useCase || after.group !== key.group || (before && before.id !== after.id))
          throw otherAlert(key);
        return changeIn(transaction, ALERTS, after.id, before, () => after);
      });
    },
    async changeAlert(id, change) {
      const after = await all.change(id, (before) => before && change(before));
      if (!after) throw noAlert();
      return after;
    },
    async findAlertOfSubject(useCase, subject) {
      const [alert] = await all.list(OF_SUBJECT, [columnOf(useCase, subject)]);
      return alert;
    },
    putMute: (mute) => mutes.put(mute),
    async removeMute(id) {
      await mutes.remove(id);
    },
    listMutes: (useCase) =>
      mutes.list(`select record from mutes where $1::text is null or use_case = $1 order by seq`, [
        useCase === undefined ? null : column(useCase),
      ]),
  };
}
