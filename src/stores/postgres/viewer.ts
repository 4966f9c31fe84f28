/** The secret of the log viewer's links, which of them were used, and what else is done once. */
import type { OnceStore } from '../../ports/once-store.ts';
import type { ViewerStore } from '../../ports/viewer-store.ts';
import type { Database } from './database.ts';
import { column, type Kind, orderKey, statementsOf, valuesOf } from './records.ts';
import { records } from './table.ts';

export const SECRETS: Kind<{ name: string; value: string }> = {
  name: 'secret',
  table: 'secrets',
  key: ({ name }) => name,
  columns: {},
};

export const LINKS: Kind<{ id: string; until: number }> = {
  name: 'link',
  table: 'links',
  key: ({ id }) => id,
  columns: { until: ({ until }) => until },
};

export function viewer(database: Database): ViewerStore & OnceStore {
  const take = (id: string, until: number): Promise<boolean> =>
    database.write([orderKey(LINKS, id)], async (transaction) => {
      const { values } = valuesOf(LINKS, column(id), { id, until });
      return (await transaction.write(statementsOf(LINKS).insert, values)).length > 0;
    });
  const secrets = records(database, SECRETS);
  return {
    async viewerSecret(offered) {
      const kept = await secrets.change('viewer', (before) => before ?? { name: 'viewer', value: offered });
      return kept!.value;
    },
    useViewerLink: take,
    // No viewer link's id has a space.
    takeOnce: (id, until) => take(`once ${id}`, until),
  };
}
