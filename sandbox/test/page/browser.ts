/** A Chromium for tests and screenshots: `const browser = await launchBrowser()`. */
import { access, constants } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Milliseconds for whatever is waited for on a page; Playwright's own 30 s are too few behind heavy work on a busy machine. */
export const PATIENCE = 60_000;

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Scroll bars and font hinting differ between machines; screenshots should not.
  '--hide-scrollbars',
  '--font-render-hinting=none',
];

/** The path of an installed Chromium or Chrome; undefined when there is none. */
async function findBrowser(): Promise<string | undefined> {
  for (const path of PLACES) {
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

/**
 * Headless, with a fresh profile that goes when it is closed. Throws when no browser is installed.
 * @param env beside this process's own, such as FONTCONFIG_FILE for other fonts
 */
export async function launchBrowser(env: Record<string, string> = {}): Promise<Browser> {
  const executablePath = await findBrowser();
  if (!executablePath) throw new Error(`No browser found; looked at ${PLACES.join(', ')}`);
  return chromium.launch({
    executablePath,
    headless: true,
    args: ARGUMENTS,
    env: { ...(process.env as Record<string, string>), ...env },
  });
}

/**
 * For `describe.skipIf(...)`: why browser tests cannot run here, printed so that a skipped run is not taken for a
 * passed one; undefined when they can.
 */
export async function whyNoBrowser(): Promise<string | undefined> {
  if (await findBrowser()) return undefined;
  const reason = `Browser tests skipped: no Chromium or Chrome at ${PLACES.join(', ')}. On Debian: apt-get install chromium.`;
  console.warn(reason);
  return reason;
}
