/** A file in a message. */
import type { SandboxFile } from '../protocol.ts';
import { api } from './api.ts';
import { useDirectory } from './directory.tsx';
import { isImage, isText } from './file-text.ts';
import { Icon } from './ui/icons.tsx';

const CARD_LINES = 13;

export function formatBytes(bytes: number): string {
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

export function DownloadLink({ file, label = false }: { file: SandboxFile; label?: boolean }) {
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
