/** Files: the card in a message and the preview that lies over everything. */
import { useEffect, useState } from 'react';
import type { SandboxFile } from '../protocol.ts';
import { api } from './api.ts';
import { useDirectory } from './directory.tsx';
import { Dialog } from './ui/dialog.tsx';
import { Icon } from './ui/icons.tsx';

const PREVIEW_BYTES = 512 * 1024;
const CARD_LINES = 13;

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

const extension = (name: string): string => /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toLowerCase() ?? 'file';
const isImage = (file: SandboxFile) => /^image\/(?:png|jpe?g|gif|webp)$/.test(file.mimetype);
const isText = (file: SandboxFile) =>
  file.preview !== undefined || file.mimetype.startsWith('text/') || file.mimetype === 'application/json';

const KINDS: Record<string, string> = {
  log: 'Log',
  txt: 'Plain text',
  gz: 'Gzip archive',
  zip: 'Zip archive',
  json: 'JSON',
  csv: 'CSV',
  png: 'PNG image',
  yaml: 'YAML',
  yml: 'YAML',
};

function DownloadLink({ file, label = false }: { file: SandboxFile; label?: boolean }) {
  return (
    <a
      className={label ? 'button' : 'icon-button'}
      href={api.fileContent(file.id)}
      download={file.name}
      aria-label={`Download ${file.name}`}
      title="Download"
    >
      <Icon name="download" />
      {label && 'Download'}
    </a>
  );
}

export function FileCard({ file }: { file: SandboxFile }) {
  const { openFile } = useDirectory();
  const ext = extension(file.name);
  const canOpen = isText(file) || isImage(file);
  const lines = file.preview?.split('\n').slice(0, CARD_LINES).join('\n');
  return (
    <section className="file" aria-label={`File ${file.name}`}>
      <div className="file-head">
        <span className={`file-type file-type-${ext}`} aria-hidden="true">
          {ext}
        </span>
        <div className="file-names">
          <span className="file-name" title={file.name}>
            {file.title || file.name}
          </span>
          <span className="file-facts">
            {KINDS[ext] ?? 'File'} · {formatBytes(file.size)}
          </span>
        </div>
        <span className="file-actions">
          {canOpen && (
            <button
              type="button"
              className="icon-button"
              aria-label={`Preview ${file.name}`}
              title="Preview"
              onClick={() => openFile(file)}
            >
              <Icon name="eye" />
            </button>
          )}
          <DownloadLink file={file} />
        </span>
      </div>
      {lines && (
        <button
          type="button"
          className="file-preview"
          onClick={() => openFile(file)}
          aria-label={`Open ${file.name}`}
        >
          <pre aria-hidden="true">{lines}</pre>
        </button>
      )}
      {isImage(file) && (
        <img className="file-image" src={api.fileContent(file.id)} alt={file.title || file.name} />
      )}
    </section>
  );
}

interface Loaded {
  text: string;
  bytes: number;
  complete: boolean;
}

/** The first half megabyte, read from the stream and then cut off: the file may be any size. */
async function loadStart(id: string, signal: AbortSignal): Promise<Loaded> {
  const response = await fetch(api.fileContent(id), { signal });
  if (!response.ok || !response.body)
    throw new Error(`The file could not be read (status ${response.status}).`);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), bytes, complete: true };
    text += decoder.decode(value, { stream: true });
    bytes += value.byteLength;
    if (bytes >= PREVIEW_BYTES) {
      await reader.cancel();
      return { text, bytes, complete: false };
    }
  }
}

export function FilePreview({ file, onClose }: { file: SandboxFile; onClose: () => void }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState('');
  const [wrap, setWrap] = useState(false);
  const image = isImage(file);
  useEffect(() => {
    if (image) return;
    const gone = new AbortController();
    loadStart(file.id, gone.signal).then(setLoaded, (error: unknown) => {
      if (!gone.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
    });
    return () => gone.abort();
  }, [file.id, image]);
  const lines = loaded?.text.replace(/\n$/, '').split('\n') ?? [];
  return (
    <Dialog label={`Preview of ${file.name}`} className="preview" onClose={onClose}>
      <header className="preview-head">
        <div className="file-names">
          <h2 className="file-name" title={file.name}>
            {file.name}
          </h2>
          <span className="file-facts">
            {formatBytes(file.size)}
            {loaded &&
              (loaded.complete
                ? ` · ${lines.length.toLocaleString('en')} line${lines.length === 1 ? '' : 's'}`
                : ` · first ${formatBytes(loaded.bytes)} shown`)}
          </span>
        </div>
        {!image && (
          <label className="choice preview-wrap">
            <input type="checkbox" checked={wrap} onChange={() => setWrap(!wrap)} />
            <span>Wrap lines</span>
          </label>
        )}
        <DownloadLink file={file} label />
        <button type="button" className="icon-button" aria-label="Close preview" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {failure && <p className="preview-failure">{failure}</p>}
      {image ? (
        <img className="preview-image" src={api.fileContent(file.id)} alt={file.name} />
      ) : (
        <section
          className={`preview-text${wrap ? ' preview-text-wrapped' : ''}`}
          aria-label="Content"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
        >
          <pre className="preview-numbers" aria-hidden="true">
            {wrap ? '' : lines.map((_, index) => index + 1).join('\n')}
          </pre>
          <pre className="preview-lines">{loaded ? lines.join('\n') : failure ? '' : 'Loading…'}</pre>
        </section>
      )}
    </Dialog>
  );
}
