/** Posts files in a thread. */
import { inTemporaryFile } from '../ground/files.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';

interface Attachment {
  name: string;
  title: string;
  comment: string;
  channel: string;
  thread: string;
}

/** Resolves once it is shared. @param file.text with secrets already masked */
export async function deliverText(
  files: Pick<FileDelivery, 'deliver'>,
  { text, ...file }: Attachment & { text: string },
): Promise<void> {
  await deliverBytes(files, { ...file, content: Buffer.from(text) });
}

/** Resolves once it is shared. */
export async function deliverBytes(
  files: Pick<FileDelivery, 'deliver'>,
  file: Attachment & { content: Buffer },
): Promise<void> {
  const name = file.name.replace(/[^\w.-]+/g, '-');
  const { content, title, channel, thread, comment } = file;
  await inTemporaryFile(content, async ({ path, bytes }) => {
    const { shared } = await files.deliver(
      { files: [{ path, name, title, bytes }], channel, thread, comment },
      {},
    );
    await shared;
  });
}
