/** The checks of the doctor and their words. */
import { toAppError } from '../../ground/errors.ts';

/** What a check finds. */
export interface Check {
  /** `Slack`, or the use case: `use case line-3`. */
  about: string;
  /** What was looked at: `bot token`. */
  title: string;
  /** `skipped`: it could not be looked at, because an earlier check failed. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What is there. */
  detail: string;
  /** The exact thing to do, when something is to do. */
  fix?: string;
}

export interface Subject {
  ok(title: string, detail: string): Check;
  warning(title: string, detail: string, fix: string): Check;
  failed(title: string, detail: string, fix: string): Check;
  skipped(title: string, detail: string): Check;
}

export function subject(about: string): Subject {
  return {
    ok: (title, detail) => ({ about, title, status: 'ok', detail }),
    warning: (title, detail, fix) => ({ about, title, status: 'warning', detail, fix }),
    failed: (title, detail, fix) => ({ about, title, status: 'failed', detail, fix }),
    skipped: (title, detail) => ({ about, title, status: 'skipped', detail }),
  };
}

/** What was thrown as a failed check, with everything that helps: the doctor runs for those who may see it. */
export function failure(about: Subject, title: string, thrown: unknown): Check {
  const error = toAppError(thrown);
  return about.failed(
    title,
    error.message,
    [error.hint, error.adminHint].filter((text) => text !== undefined).join('\n') || 'Try again.',
  );
}
