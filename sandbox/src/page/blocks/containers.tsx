import { type ReactNode, useState } from 'react';
import { unfolds } from '../following.ts';
import { Icon } from '../ui/icons.tsx';
import { AnyElement, Picture } from './elements.tsx';
import { RichText } from './rich-text.tsx';
import { bare, Text } from './text.tsx';
import type { AnyBlock } from './types.ts';

export function Card({ block }: { block: AnyBlock }) {
  return (
    <section className="card">
      {block.hero_image && <Picture image={block.hero_image} className="card-hero" />}
      <div className="card-head">
        {block.icon && <Picture image={block.icon} className="card-icon" />}
        <div>
          {block.title && (
            <div className="card-title">
              <Text text={block.title} />
            </div>
          )}
          {block.subtitle && (
            <div className="card-subtitle">
              <Text text={block.subtitle} />
            </div>
          )}
        </div>
      </div>
      {block.body && (
        <div className="card-body">
          <Text text={block.body} />
        </div>
      )}
      {block.actions && (
        <div className="card-actions">
          {block.actions.map((element, index) => (
            <AnyElement
              key={element.action_id ?? index}
              block={block}
              element={element}
              label={bare(element.text)}
            />
          ))}
        </div>
      )}
    </section>
  );
}

export function Carousel({ block }: { block: AnyBlock }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="carousel" aria-label="Cards" tabIndex={0}>
      {((block.elements ?? []) as unknown as AnyBlock[]).map((card, index) => (
        // Slack gives cards of a carousel their own block ids; without one, clicks count for the carousel.
        <Card
          key={card.block_id ?? index}
          block={{ ...card, block_id: card.block_id ?? block.block_id ?? '' }}
        />
      ))}
    </section>
  );
}

/** `children` are its blocks, drawn by the caller: blocks hold containers, containers must not know all blocks. */
export function Container({ block, children }: { block: AnyBlock; children: ReactNode }) {
  const [open, setOpen] = useState(!(block.is_collapsible && block.default_collapsed));
  const title = (
    <div className="container-titles">
      <div className="container-title">
        {block.rich_text_title ? <RichText node={block.rich_text_title} /> : <Text text={block.title} />}
      </div>
      {block.subtitle && (
        <div className="container-subtitle">
          <Text text={block.subtitle} />
        </div>
      )}
    </div>
  );
  const hasTitle = block.title !== undefined || block.rich_text_title !== undefined;
  return (
    <section className={`container${block.has_header_divider ? ' container-ruled' : ''}`}>
      {(hasTitle || block.is_collapsible) && (
        <div className="container-head">
          {block.icon && <Picture image={block.icon} className="card-icon" />}
          {title}
          {block.is_collapsible && (
            <button
              type="button"
              className={`icon-button fold${open ? ' fold-open' : ''}`}
              aria-expanded={open}
              aria-label={`${open ? 'Collapse' : 'Expand'} ${bare(block.title)}`.trim()}
              onClick={(event) => {
                unfolds(event.currentTarget);
                setOpen(!open);
              }}
            >
              <Icon name="chevron" />
            </button>
          )}
        </div>
      )}
      {open && children}
    </section>
  );
}

const LEVEL_MARKS: Record<string, string> = { error: '✕', warning: '!', success: '✓', info: 'i' };

export function Alert({ block }: { block: AnyBlock }) {
  const level = block.level && block.level in LEVEL_MARKS ? block.level : 'info';
  return (
    <div className={`alert alert-${level}`} role={level === 'error' ? 'alert' : 'note'}>
      <span className="alert-mark" aria-hidden="true">
        {LEVEL_MARKS[level]}
      </span>
      <div>
        <Text text={block.text} />
      </div>
    </div>
  );
}

const TASK_MARKS: Record<string, string> = { complete: '✓', error: '✕', in_progress: '◐', pending: '○' };

export function TaskCard({ block }: { block: AnyBlock }) {
  const status = block.status ?? 'pending';
  return (
    <section className={`task task-${status}`}>
      <span className="task-mark" aria-hidden="true">
        {TASK_MARKS[status] ?? '○'}
      </span>
      <div>
        <div className="task-title">
          <Text text={block.title} />
          <span className="visually-hidden"> ({status.replaceAll('_', ' ')})</span>
        </div>
        {block.details && <RichText node={block.details} />}
        {block.output && <RichText node={block.output} />}
      </div>
    </section>
  );
}

export function Plan({ block }: { block: AnyBlock }) {
  return (
    <section className="plan">
      <div className="container-title">
        <Text text={block.title} />
      </div>
      {(block.tasks ?? []).map((task, index) => (
        <TaskCard key={task.block_id ?? index} block={task} />
      ))}
    </section>
  );
}
