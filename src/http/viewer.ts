/**
 * Serves the page of a run, `/runs/<id>`, and its files. Anybody may load them: what a run printed comes from
 * `runLogRoutes`, which ask for a session. Addresses in the page are relative, so that a proxy may put all of it under any
 * path.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Context, Hono } from 'hono';
import { isRunId } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { HttpEnv, HttpRoutes } from '../ports/http-routes.ts';

/** The page as it was built; run from the sources, by the last build. */
const BUILT_VIEWER = fileURLToPath(
  new URL(import.meta.filename.endsWith('.ts') ? '../../dist/viewer' : '../viewer', import.meta.url),
);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Everything from here, and nothing inline; src/http/viewer/inline-styles.ts says what xterm.js needs for that. */
const POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'img-src', 'connect-src', 'worker-src'].map((kind) => `${kind} 'self'`),
  ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  vary: 'accept-encoding',
};

interface PageFile {
  type: string;
  bytes: Buffer<ArrayBuffer>;
  gzipped: Buffer<ArrayBuffer>;
}

/** @param dir of the built page; read when it is first asked for */
export function viewerRoutes({ dir = BUILT_VIEWER }: { dir?: string } = {}): HttpRoutes {
  let loading: Promise<Map<string, PageFile>> | undefined;
  const files = (): Promise<Map<string, PageFile>> => {
    loading ??= load(dir).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return new Hono<HttpEnv>()
    .get('/runs/:id', async (c) => {
      const page = (await files()).get('index.html');
      if (!page) throw notBuilt(dir);
      // The page itself says what is wrong with an id that no run can have.
      return answer(c, page, isRunId(c.req.param('id')) ? 200 : 404, 'no-cache');
    })
    .get('/viewer/assets/:file', async (c) => {
      const file = (await files()).get(`assets/${c.req.param('file')}`);
      if (!file) throw new AppError('not_found', 'There is no such file. Reload the page.');
      // Its name has its content's hash.
      return answer(c, file, 200, 'public, max-age=31536000, immutable');
    });
}

function answer(c: Context<HttpEnv>, file: PageFile, status: number, cacheControl: string): Response {
  const isGzipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  const bytes = isGzipped ? file.gzipped : file.bytes;
  return new Response(c.req.method === 'HEAD' ? null : bytes, {
    status,
    headers: {
      ...HEADERS,
      'content-type': file.type,
      'content-length': String(bytes.length),
      'cache-control': cacheControl,
      ...(isGzipped ? { 'content-encoding': 'gzip' } : {}),
    },
  });
}

async function load(dir: string): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const folder of ['', 'assets']) {
    const names = await readdir(join(dir, folder)).catch((error: unknown) => {
      throw notBuilt(dir, error);
    });
    for (const name of names) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const bytes = Buffer.from(await readFile(join(dir, folder, name)));
      const gzipped = Buffer.from(await promisify(gzip)(bytes));
      files.set(folder === '' ? name : `${folder}/${name}`, { type, bytes, gzipped });
    }
  }
  return files;
}

const notBuilt = (dir: string, cause?: unknown): AppError =>
  new AppError('unavailable', 'The page of runs is not there.', {
    hint: `It should be in ${dir}: build it with \`npm run build\`.`,
    cause,
  });
