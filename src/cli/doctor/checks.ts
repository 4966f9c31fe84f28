/** The doctor's checks and their results. */
import { toAppError } from '../../ground/errors.ts';

/** A check's result. */
export interface Check {
  /** `Slack`, or the use case: `use case line-3`. */
  about: string;
  /** What was checked: `bot token`. */
  title: string;
  /** `skipped`: not possible, because an earlier check failed. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found. */
  detail: string;
  /** Exactly what to do, if anything. */
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

/** An error as a failed check, with all details: whoever runs the doctor may see them. */
export function failure(about: Subject, title: string, thrown: unknown): Check {
  const error = toAppError(thrown);
  return about.failed(
    title,
    error.message,
    [error.hint, error.adminHint].filter((text) => text !== undefined).join('\n') || 'Try again.',
  );
}
