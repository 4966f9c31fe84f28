/** Block Kit's blocks, one after the other. */
import { Fragment, useId, useState } from 'react';
import { unfolds } from '../following.ts';
import { ExternalLink } from '../mrkdwn/mrkdwn.tsx';
import { safeUrl } from '../mrkdwn/parse.ts';
import { Chart } from './chart.tsx';
import { Alert, Card, Carousel, Container, Plan, TaskCard } from './containers.tsx';
import { AnyElement, Picture } from './elements.tsx';
import { MarkdownText } from './markdown.tsx';
import { RichText } from './rich-text.tsx';
import { useSurface } from './surface.tsx';
import { DataTable, Table } from './tables.tsx';
import { bare, Text } from './text.tsx';
import type { AnyBlock, Element, TextObject } from './types.ts';

function Section({ block }: { block: AnyBlock }) {
  const text = block.text;
  return (
    <div className="section">
      <div className="section-main">
        {text !== undefined && (
          <div className="section-text">
            <Text text={text} />
          </div>
        )}
        {block.fields && (
          <div className="fields">
            {block.fields.map((field, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a field's place is its identity
              <div key={index} className="field">
                <Text text={field} />
              </div>
            ))}
          </div>
        )}
      </div>
      {block.accessory && (
        <div className="section-accessory">
          <AnyElement
            block={block}
            element={block.accessory}
            label={bare(block.accessory.placeholder) || bare(text).slice(0, 80)}
          />
        </div>
      )}
    </div>
  );
}

const INLINE_IMAGE = 'context-image';

function Context({ block }: { block: AnyBlock }) {
  return (
    <div className="context">
      {(block.elements ?? []).map((element, index) =>
        element.type === 'image' ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: an element's place is its identity
          <Picture key={index} image={element} className={INLINE_IMAGE} />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: an element's place is its identity
          <div key={index} className="context-text">
            <Text text={element as TextObject} />
          </div>
        ),
      )}
    </div>
  );
}

function Actions({ block }: { block: AnyBlock }) {
  return (
    <div className="actions">
      {(block.elements ?? []).map((element, index) => (
        <AnyElement
          key={element.action_id ?? index}
          block={block}
          element={element}
          label={bare(element.placeholder)}
        />
      ))}
    </div>
  );
}

const GROUPED = new Set(['checkboxes', 'radio_buttons']);

function Input({ block }: { block: AnyBlock }) {
  const surface = useSurface();
  const id = useId();
  const element: Element | undefined = block.element;
  if (!element) return null;
  const error = block.block_id === undefined ? undefined : surface.errors[block.block_id];
  const label = bare(block.label);
  const described =
    [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(' ') || undefined;
  return (
    <div className={`input-block${error ? ' input-block-invalid' : ''}`} data-block={block.block_id}>
      <div className="input-label" aria-hidden={!GROUPED.has(element.type)}>
        <Text text={block.label} />
        {block.optional && <span className="input-optional"> (optional)</span>}
      </div>
      <AnyElement
        block={block}
        element={element}
        label={block.optional ? `${label} (optional)` : label}
        invalid={error !== undefined}
        describedBy={described}
      />
      {error && (
        <div id={`${id}-error`} className="input-error" role="alert">
          {error}
        </div>
      )}
      {block.hint && (
        <div id={`${id}-hint`} className="input-hint">
          <Text text={block.hint} />
        </div>
      )}
    </div>
  );
}

function ImageBlock({ block }: { block: AnyBlock }) {
  return (
    <figure className="image-block">
      {block.title && (
        <figcaption>
          <Text text={block.title} />
        </figcaption>
      )}
      <Picture image={block} className="image" />
    </figure>
  );
}

function Video({ block }: { block: AnyBlock }) {
  const url = safeUrl(block.title_url ?? block.video_url ?? '');
  return (
    <div className="card">
      <div className="card-title">
        {url ? <ExternalLink url={url}>{bare(block.title)}</ExternalLink> : bare(block.title)}
      </div>
      {block.description && <Text text={block.description} />}
    </div>
  );
}

/** In a message or a modal it stands below another heading, on the Home tab right below the page's. */
function Header({ block }: { block: AnyBlock }) {
  const Level = useSurface().kind === 'home' ? 'h2' : 'h3';
  return (
    <Level className="block-header">
      <Text text={block.text} />
    </Level>
  );
}

function OneBlock({ block }: { block: AnyBlock }) {
  switch (block.type) {
    case 'section':
      return <Section block={block} />;
    case 'header':
      return <Header block={block} />;
    case 'divider':
      return <hr className="block-divider" />;
    case 'context':
      return <Context block={block} />;
    case 'actions':
    case 'context_actions':
      return <Actions block={block} />;
    case 'input':
      return <Input block={block} />;
    case 'image':
      return <ImageBlock block={block} />;
    case 'rich_text':
      return <RichText node={block as Parameters<typeof RichText>[0]['node']} />;
    case 'markdown':
      return <MarkdownText text={typeof block.text === 'string' ? block.text : ''} />;
    case 'table':
      return <Table block={block} />;
    case 'data_table':
      return <DataTable block={block} />;
    case 'data_visualization':
      return <Chart block={block} />;
    case 'card':
      return <Card block={block} />;
    case 'carousel':
      return <Carousel block={block} />;
    case 'container':
      return (
        <Container block={block}>
          <Blocks blocks={block.child_blocks ?? []} />
        </Container>
      );
    case 'alert':
      return <Alert block={block} />;
    case 'task_card':
      return <TaskCard block={block} />;
    case 'plan':
      return <Plan block={block} />;
    case 'video':
      return <Video block={block} />;
    case 'file':
      return null;
    default:
      return <div className="unsupported">A {block.type} block (not drawn here)</div>;
  }
}

export function Blocks({ blocks }: { blocks: readonly AnyBlock[] }) {
  return (
    <div className="blocks">
      {blocks.map((block, index) => (
        <OneBlock key={block.block_id ?? index} block={block} />
      ))}
    </div>
  );
}

const FOLD_ABOVE = 700;

/** Long plain messages are folded as in Slack; blocks never are. */
export function FoldedText({ text }: { text: string }) {
  const lines = text.split('\n');
  const long = text.length > FOLD_ABOVE * 3 || lines.length > 40;
  const [open, setOpen] = useState(false);
  const shown =
    !long || open
      ? text
      : `${lines
          .slice(0, 20)
          .join('\n')
          .slice(0, FOLD_ABOVE * 2)}…`;
  return (
    <Fragment>
      <Text text={{ type: 'mrkdwn', text: shown }} />
      {long && (
        <button
          type="button"
          className="link-button"
          onClick={(event) => {
            unfolds(event.currentTarget);
            setOpen(!open);
          }}
        >
          {open ? 'Show less' : 'Show more'}
        </button>
      )}
    </Fragment>
  );
}
