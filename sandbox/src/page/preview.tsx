/** A file's preview, over everything: a log opens at its end, and all can be searched. */
import {
  type KeyboardEvent,
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { SandboxFile } from '../protocol.ts';
import { api } from './api.ts';
import { type FileText, isImage, isLog, loadText, type Part, WHOLE_BYTES } from './file-text.ts';
import { DownloadLink, formatBytes } from './files.tsx';
import { findIn, type Match, MOST_MATCHES, nearest } from './find.ts';
import { Dialog } from './ui/dialog.tsx';
import { Icon } from './ui/icons.tsx';

/** Lines are drawn in blocks, and the browser lays out only those in sight: `content-visibility` in preview.css. */
const BLOCK_LINES = 200;
const LINE_PX = 20;
const LONGEST_COLUMNS = 4000;

const group = (count: number): string => count.toLocaleString('en');

export function FilePreview({ file, onClose }: { file: SandboxFile; onClose: () => void }) {
  const image = isImage(file);
  return (
    <Dialog label={`Preview of ${file.name}`} className="preview" onClose={onClose}>
      {image ? (
        <>
          <PreviewHead file={file} facts="" onClose={onClose} />
          <img className="preview-image" src={api.fileContent(file.id)} alt={file.name} />
        </>
      ) : (
        <TextPreview key={file.id} file={file} onClose={onClose} />
      )}
    </Dialog>
  );
}

function PreviewHead({ file, facts, onClose }: { file: SandboxFile; facts: string; onClose: () => void }) {
  return (
    <header className="preview-head">
      <div className="file-names">
        <h2 className="file-name" title={file.name}>
          {file.name}
        </h2>
        <span className="file-facts">
          {formatBytes(file.size)}
          {facts}
        </span>
      </div>
      <DownloadLink file={file} label />
      <button type="button" className="icon-button" aria-label="Close preview" onClick={onClose}>
        <Icon name="close" />
      </button>
    </header>
  );
}

function TextPreview({ file, onClose }: { file: SandboxFile; onClose: () => void }) {
  const [wanted, setWanted] = useState<{ part: Part; at: 'start' | 'end' }>(() => {
    const at = isLog(file) ? 'end' : 'start';
    return { part: at, at };
  });
  const [text, setText] = useState<FileText>();
  const [loading, setLoading] = useState(true);
  const [failure, setFailure] = useState('');
  // Lines of a log are long, a phone is narrow.
  const [wrap, setWrap] = useState(() => window.matchMedia('(max-width: 700px)').matches);
  const [words, setWords] = useState('');
  const scroller = useRef<HTMLElement>(null);
  const box = useRef<HTMLInputElement>(null);

  const { part } = wanted;
  useEffect(() => {
    const gone = new AbortController();
    setLoading(true);
    setFailure('');
    loadText(file, part, gone.signal)
      .then(setText, (error: unknown) => {
        if (!gone.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
      })
      .finally(() => {
        if (!gone.signal.aborted) setLoading(false);
      });
    return () => gone.abort();
  }, [file, part]);

  const goTo = useCallback((at: 'start' | 'end') => {
    const element = scroller.current;
    if (element) element.scrollTop = at === 'start' ? 0 : element.scrollHeight;
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when another part has come, or lines wrap
  useLayoutEffect(() => {
    goTo(wanted.at);
    // Wrapped lines have their height only once they were in sight. Where something is looked for, that decides.
    const settled = requestAnimationFrame(() => {
      if (words === '') goTo(wanted.at);
    });
    return () => cancelAnimationFrame(settled);
  }, [wanted, text, wrap, goTo]);

  const lines = text?.lines ?? NONE;
  const sought = useDeferredValue(words);
  const matches = useMemo(() => findIn(lines, sought), [lines, sought]);
  const [current, setCurrent] = useState(-1);
  useLayoutEffect(() => {
    setCurrent(nearest(matches, firstLineInSight(scroller.current, lines.length)));
  }, [matches, lines]);
  const step = (by: 1 | -1) =>
    setCurrent((at) => (matches.length === 0 ? -1 : (at + by + matches.length) % matches.length));
  const match = matches[current];
  useLayoutEffect(() => {
    if (match)
      scroller.current
        ?.querySelector('mark[aria-current]')
        ?.scrollIntoView({ block: 'center', inline: 'nearest' });
  }, [match]);

  const isPartial = text !== undefined && text.part !== 'whole';
  const show = (at: 'start' | 'end') => setWanted({ part: isPartial ? at : part, at });
  const onKeyDown = (event: KeyboardEvent) => {
    const chord = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const steps = key === 'f3' || (chord && key === 'g') || (key === 'enter' && event.target === box.current);
    if (chord && key === 'f') box.current?.select();
    else if (steps) step(event.shiftKey ? -1 : 1);
    else if (key === 'escape' && words !== '') setWords('');
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const facts = !text
    ? ''
    : text.part === 'whole'
      ? ` · ${group(lines.length)} line${lines.length === 1 ? '' : 's'}`
      : ` · only the ${text.part === 'end' ? 'last' : 'first'} ${formatBytes(text.bytes)} loaded`;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of what is inside
    <div className="preview-frame" onKeyDown={onKeyDown}>
      <PreviewHead file={file} facts={facts} onClose={onClose} />
      <div className="preview-bar">
        <button type="button" className="button button-small" onClick={() => show('start')}>
          Start
        </button>
        <button type="button" className="button button-small" onClick={() => show('end')}>
          End
        </button>
        {isPartial && file.size <= WHOLE_BYTES && (
          <button
            type="button"
            className="button button-small"
            disabled={loading}
            onClick={() => setWanted({ part: 'whole', at: text.part === 'end' ? 'end' : 'start' })}
          >
            Load all
          </button>
        )}
        <label className="choice preview-wrap">
          <input type="checkbox" checked={wrap} onChange={() => setWrap(!wrap)} />
          <span>Wrap lines</span>
        </label>
        <search className="preview-find">
          <input
            ref={box}
            type="search"
            className="input input-small"
            placeholder="Find"
            aria-label="Find in file"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
          <span className="preview-count" role="status">
            {sought !== '' && countOf(matches, current, isPartial)}
          </span>
          <button
            type="button"
            className="icon-button"
            aria-label="Previous match"
            title="Previous match (Shift+Enter)"
            disabled={matches.length === 0}
            onClick={() => step(-1)}
          >
            <Icon name="up" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Next match"
            title="Next match (Enter)"
            disabled={matches.length === 0}
            onClick={() => step(1)}
          >
            <Icon name="down" />
          </button>
        </search>
      </div>
      {failure && (
        <p className="preview-failure" role="alert">
          {failure}
        </p>
      )}
      <section
        ref={(element) => {
          scroller.current = element;
          // The dialog gives it the focus: arrows, Page Down and End scroll at once.
          element?.setAttribute('autofocus', '');
        }}
        className={`preview-text${wrap ? ' preview-text-wrapped' : ''}`}
        aria-label="Content"
        aria-busy={loading}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {text ? (
          <Lines text={text} matches={matches} current={match} isNumbered={text.part !== 'end' && !wrap} />
        ) : (
          !failure && <p className="preview-loading">Loading…</p>
        )}
      </section>
    </div>
  );
}

const NONE: string[] = [];

function countOf(matches: readonly Match[], current: number, isPartial: boolean): string {
  const where = isPartial ? ' in this part' : '';
  if (matches.length === 0) return `No match${where}`;
  const all = `${group(matches.length)}${matches.length === MOST_MATCHES ? '+' : ''}`;
  return `${group(current + 1)} of ${all}${where}`;
}

/** To a line where none wraps, else near to it. */
function firstLineInSight(scroller: HTMLElement | null, lines: number): number {
  if (!scroller) return 0;
  const { top } = scroller.getBoundingClientRect();
  const blocks = [...scroller.querySelectorAll('.preview-block')].map((block) =>
    block.getBoundingClientRect(),
  );
  const index = blocks.findIndex(({ bottom }) => bottom > top);
  const block = blocks[index];
  if (!block) return 0;
  const first = index * BLOCK_LINES;
  const above = Math.max(0, top - block.top) / Math.max(1, block.height);
  return first + Math.floor(above * Math.min(BLOCK_LINES, lines - first));
}

function Lines(props: {
  text: FileText;
  matches: readonly Match[];
  current: Match | undefined;
  isNumbered: boolean;
}) {
  const { text, matches, current } = props;
  const { lines } = text;
  const blocks = useMemo(() => {
    const made: string[][] = [];
    for (let at = 0; at < lines.length; at += BLOCK_LINES) made.push(lines.slice(at, at + BLOCK_LINES));
    return made;
  }, [lines]);
  const columns = useMemo(() => lines.reduce((most, line) => Math.max(most, line.length), 0), [lines]);
  const byBlock = useMemo(() => {
    const grouped = new Map<number, Match[]>();
    for (const match of matches) {
      const block = Math.floor(match.line / BLOCK_LINES);
      const list = grouped.get(block);
      if (list) list.push(match);
      else grouped.set(block, [match]);
    }
    return grouped;
  }, [matches]);
  const digits = String(lines.length).length;
  return (
    <div
      className="preview-blocks"
      style={{ ['--columns' as string]: Math.min(LONGEST_COLUMNS, columns), ['--digits' as string]: digits }}
    >
      {blocks.map((block, index) => {
        const found = byBlock.get(index);
        return (
          <LineBlock
            // biome-ignore lint/suspicious/noArrayIndexKey: a block's place is its identity
            key={index}
            lines={block}
            first={index * BLOCK_LINES}
            isNumbered={props.isNumbered}
            matches={found}
            current={current && found?.includes(current) ? current : undefined}
          />
        );
      })}
    </div>
  );
}

const LineBlock = memo(function LineBlock(props: {
  lines: readonly string[];
  /** Index of the first of them in the file. */
  first: number;
  isNumbered: boolean;
  matches: readonly Match[] | undefined;
  current: Match | undefined;
}) {
  const { lines, first, matches, current } = props;
  return (
    <div className="preview-block" style={{ containIntrinsicBlockSize: `auto ${lines.length * LINE_PX}px` }}>
      {props.isNumbered && (
        <pre className="preview-numbers" aria-hidden="true">
          {lines.map((_, index) => first + index + 1).join('\n')}
        </pre>
      )}
      <pre className="preview-lines">
        {matches ? marked(lines, first, matches, current) : lines.join('\n')}
        {'\n'}
      </pre>
    </div>
  );
});

function marked(
  lines: readonly string[],
  first: number,
  matches: readonly Match[],
  current: Match | undefined,
) {
  const text = lines.join('\n');
  const offsets: number[] = [];
  let offset = 0;
  for (const line of lines) {
    offsets.push(offset);
    offset += line.length + 1;
  }
  let after = 0;
  const pieces = matches.map((match) => {
    const start = (offsets[match.line - first] ?? 0) + match.start;
    const before = text.slice(after, start);
    after = start + match.length;
    return (
      <span key={start}>
        {before}
        <mark aria-current={match === current ? 'true' : undefined}>{text.slice(start, after)}</mark>
      </span>
    );
  });
  return [...pieces, text.slice(after)];
}
