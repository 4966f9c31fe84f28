/** What a check of the doctor finds. */
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
