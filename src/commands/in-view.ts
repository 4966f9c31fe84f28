/** Work that a window waits for: what goes wrong after it has opened is said in it. */
import { messageView } from '../blocks/details-views.ts';
import type { Message, Modal } from '../blocks/message.ts';
import { type AppError, toAppError } from '../ground/errors.ts';
import type { Context, OpenView } from './context.ts';
import { metadataFor } from './job-access.ts';
import type { Services } from './services.ts';

/** A mention opens no window: it has no trigger. */
export function canOpenModal(context: Context): boolean {
  return context.invocation === '' || context.invocation.startsWith('/');
}

/** @param failed what the window shows then; if it was closed, the error goes the usual way */
export async function inView(
  services: Services,
  context: Context,
  view: OpenView,
  job: string,
  failed: (metadata: string, job: string, error: AppError) => Modal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = toAppError(thrown);
    context.log[error.code === 'internal' ? 'error' : 'info'](
      { ref: error.ref, err: error, job, at: services.clock.now() },
      'failed in a window',
    );
    if (!(await view.update(failed(metadataFor(context), job, error)))) throw error;
  }
}

/** Shows a refusal in the window that is waiting; if that was closed, privately. */
export function refusedIn(context: Context, view: OpenView): (message: Message) => Promise<void> {
  return async (message) => {
    const picture = messageView(metadataFor(context), 'Not allowed', message);
    if (!(await view.update(picture))) await context.reply.privately(message);
  };
}
