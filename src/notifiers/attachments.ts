/** Posts a text as a file in a thread. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileDelivery } from '../ports/file-delivery.ts';

/** Resolves once it is shared. @param file.text with secrets already masked */
export async function deliverText(
  files: Pick<FileDelivery, 'deliver'>,
  file: { name: string; title: string; text: string; comment: string; channel: string; thread: string },
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-'));
  try {
    const path = join(dir, 'text.txt');
    await writeFile(path, file.text);
    const { size } = await stat(path);
    const name = file.name.replace(/[^\w.-]+/g, '-');
    const { title, channel, thread, comment } = file;
    const { shared } = await files.deliver(
      { files: [{ path, name, title, bytes: size }], channel, thread, comment },
      {},
    );
    await shared;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
