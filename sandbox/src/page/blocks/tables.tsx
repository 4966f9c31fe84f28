import { useMemo, useState } from 'react';
import { Icon } from '../ui/icons.tsx';
import { RichText } from './rich-text.tsx';
import { bare, Text } from './text.tsx';
import type { AnyBlock, Cell } from './types.ts';

function cellText(cell: Cell | undefined): string {
  if (!cell) return '';
  if (cell.elements) {
    const walk = (nodes: Cell['elements']): string =>
      (nodes ?? []).map((node) => node.text ?? node.name ?? walk(node.elements)).join('');
    return walk(cell.elements);
  }
  return bare(cell) || String(cell.value ?? '');
}

function CellContent({ cell }: { cell: Cell | undefined }) {
  if (!cell) return null;
  if (cell.type === ('rich_text' as string)) return <RichText node={cell} />;
  return (
    <Text text={cell.text === undefined ? cellText(cell) : { ...cell, type: cell.type ?? 'plain_text' }} />
  );
}

/** The column that names the row stays in sight: beside what is scrolled, or above it where rows are stacked. */
const columnClass = (names: Readonly<Record<string, boolean | undefined>>): string =>
  Object.keys(names)
    .filter((name) => names[name])
    .join(' ');

const isNumber = (cell: Cell | undefined) => cell?.type === 'raw_number';

export function Table({ block }: { block: AnyBlock }) {
  const [head = [], ...body] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const look = (column: number) => ({
    className: columnClass({ naming: column === 0, 'one-line': !settings[column]?.is_wrapped }),
    style: { textAlign: settings[column]?.align ?? ('left' as const) },
  });
  return (
    <div className="table-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="table-frame" aria-label="Table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {head.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a column's place is its identity
                <th key={column} scope="col" {...look(column)}>
                  <CellContent cell={cell} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row's place is its identity
              <tr key={index}>
                {row.map((cell, column) => (
                  <td
                    // biome-ignore lint/suspicious/noArrayIndexKey: a column's place is its identity
                    key={column}
                    data-label={cellText(head[column])}
                    {...look(column)}
                  >
                    <CellContent cell={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

const DEFAULT_PAGE_SIZE = 5;

/** Sorting, filtering and paging are Slack's own work, so they are the page's here. */
export function DataTable({ block }: { block: AnyBlock }) {
  const head = block.rows?.[0] ?? [];
  const body = useMemo(() => block.rows?.slice(1) ?? [], [block.rows]);
  const [sort, setSort] = useState<{ column: number; down: boolean }>();
  const [filter, setFilter] = useState('');
  const [page, setPage] = useState(0);
  const size = block.page_size ?? DEFAULT_PAGE_SIZE;
  const rows = useMemo(() => {
    const wanted = filter.trim().toLowerCase();
    const kept = wanted
      ? body.filter((row) => row.some((cell) => cellText(cell).toLowerCase().includes(wanted)))
      : [...body];
    if (sort) {
      const order = new Intl.Collator('en', { numeric: true });
      kept.sort((a, b) => {
        const [x, y] = [a[sort.column], b[sort.column]];
        const result =
          isNumber(x) && isNumber(y)
            ? Number(x?.value) - Number(y?.value)
            : order.compare(cellText(x), cellText(y));
        return sort.down ? -result : result;
      });
    }
    return kept;
  }, [body, filter, sort]);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const shown = Math.min(page, pages - 1);
  const numeric = head.map((_, column) => body.length > 0 && body.every((row) => isNumber(row[column])));
  const header = block.row_header_column_index;
  const naming = header ?? 0;
  return (
    <section className="data-table table-block" aria-label={block.caption ?? 'Data table'}>
      <div className="data-table-top">
        <span className="data-table-caption">{block.caption}</span>
        {body.length > size && (
          <input
            className="input input-small"
            type="search"
            placeholder="Filter"
            aria-label={`Filter ${block.caption ?? 'table'}`}
            value={filter}
            onChange={(event) => {
              setFilter(event.target.value);
              setPage(0);
            }}
          />
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="table-frame" aria-label="Rows" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {head.map((cell, column) => {
                const sorted = sort?.column === column ? sort : undefined;
                return (
                  <th
                    // biome-ignore lint/suspicious/noArrayIndexKey: a column's place is its identity
                    key={column}
                    scope="col"
                    className={columnClass({ naming: column === naming, numeric: numeric[column] })}
                    aria-sort={sorted ? (sorted.down ? 'descending' : 'ascending') : 'none'}
                  >
                    <button
                      type="button"
                      className="sort"
                      onClick={() => setSort({ column, down: sorted ? !sorted.down : false })}
                    >
                      <CellContent cell={cell} />
                      <span aria-hidden="true" className="sort-mark">
                        {sorted ? (sorted.down ? '↓' : '↑') : '↕'}
                      </span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.slice(shown * size, (shown + 1) * size).map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows carry no identity of their own
              <tr key={index}>
                {row.map((cell, column) => {
                  const CellTag = column === header ? 'th' : 'td';
                  return (
                    <CellTag
                      // biome-ignore lint/suspicious/noArrayIndexKey: a column's place is its identity
                      key={column}
                      {...(column === header ? { scope: 'row' } : {})}
                      className={columnClass({ naming: column === naming, numeric: numeric[column] })}
                      data-label={cellText(head[column])}
                    >
                      <CellContent cell={cell} />
                    </CellTag>
                  );
                })}
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={Math.max(1, head.length)} className="table-empty">
                  Nothing matches “{filter}”
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      {pages > 1 && (
        <nav className="data-table-pages" aria-label="Table pages">
          <button
            type="button"
            className="icon-button"
            aria-label="Previous page"
            disabled={shown === 0}
            onClick={() => setPage(shown - 1)}
          >
            <Icon name="left" />
          </button>
          <span>
            {shown * size + 1}–{Math.min(rows.length, (shown + 1) * size)} of {rows.length}
          </span>
          <button
            type="button"
            className="icon-button"
            aria-label="Next page"
            disabled={shown === pages - 1}
            onClick={() => setPage(shown + 1)}
          >
            <Icon name="right" />
          </button>
        </nav>
      )}
    </section>
  );
}
