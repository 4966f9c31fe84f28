/** Component versions. */
import { type Component, isSettled } from '../../domain/components.ts';
import type { ComponentStore } from '../../ports/component-store.ts';
import { componentExists, noComponent } from '../refused.ts';
import { componentKey } from '../tables.ts';
import type { Database } from './database.ts';
import { column, type Kind, orderKey, statementsOf, valuesOf } from './records.ts';
import { records } from './table.ts';

export const COMPONENTS: Kind<Component> = {
  name: 'component',
  table: 'components',
  key: ({ useCase, chain }) => componentKey({ useCase, ...chain.component }),
  columns: {
    use_case: ({ useCase }) => column(useCase),
    job: ({ chain }) => column(chain.trainingJob),
    settled: isSettled,
    created_at: ({ createdAt }) => createdAt,
  },
};

export function components(database: Database): ComponentStore {
  const all = records(database, COMPONENTS);
  return {
    async addComponent(component) {
      const key = COMPONENTS.key(component);
      const { values } = valuesOf(COMPONENTS, column(key), component);
      await database.write([orderKey(COMPONENTS, key)], async (transaction) => {
        const added = await transaction.write(statementsOf(COMPONENTS).insert, values);
        if (added.length === 0) throw componentExists(component.chain.component);
      });
    },
    async changeComponent(key, change) {
      const after = await all.change(componentKey(key), (before) => before && change(before));
      if (!after) throw noComponent(key);
      return after;
    },
    listComponents: ({ useCase, job, settled }) =>
      all.list(
        `select record from components
         where ($1::text is null or use_case = $1) and ($2::text is null or job = $2)
           and ($3::boolean is null or settled = $3)
         order by created_at, seq`,
        [
          useCase === undefined ? null : column(useCase),
          job === undefined ? null : column(job),
          settled ?? null,
        ],
      ),
  };
}
