/**
 * Pictures of curves as PNG: our SVG, drawn by resvg (WebAssembly) with a font that is brought along, in a process of its
 * own that ends with the picture.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import PQueue from 'p-queue';
import { AppError } from '../ground/errors.ts';
import type { CurvePicture, CurvePictures } from '../ports/curve-pictures.ts';
import { curvesSvg } from './svg.ts';

/** Milliseconds for one picture; a second is usual on a busy machine. */
const WITHIN = 60_000;
const FONTS = ['inter-regular.ttf', 'inter-semibold.ttf'];
/** The eight bytes that every PNG begins with. */
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface Program {
  script: string;
  wasm: string;
  fonts: readonly string[];
}

/** In the sources: the packages' own files. In the build: all beside each other. */
function program(): Program {
  const source = import.meta.filename.endsWith('.ts');
  const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const folder = source ? './' : '../charts/';
  return {
    script: file(source ? './rasterise.mjs' : '../rasterise.js'),
    wasm: source
      ? createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')
      : file('../charts/resvg.wasm.br'),
    fonts: FONTS.map((name) => file(`${folder}fonts/${name}`)),
  };
}

export function curvePictures(how: { within?: number; program?: Partial<Program> } = {}): CurvePictures {
  // Each takes up to 180 MB while it is drawn.
  const queue = new PQueue({ concurrency: 1 });
  return {
    draw: (picture, signal) =>
      queue.add(() => drawn(picture, { ...program(), ...how.program }, how.within ?? WITHIN, signal), {
        ...(signal ? { signal } : {}),
      }),
  };
}

async function drawn(
  picture: CurvePicture,
  { script, wasm, fonts }: Program,
  within: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { svg } = curvesSvg(picture);
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [script, wasm, ...fonts], {
    // Nothing of the bot's environment is its business.
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: within,
    killSignal: 'SIGKILL',
    ...(signal ? { signal } : {}),
  });
  const out: Buffer[] = [];
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 2_000) said += chunk.toString('utf8');
  });
  // A program that ends early closes its input; how it ended says more than that.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, name) =>
      resolve(code === 0 ? undefined : `it ended with ${name ?? code}. ${said}`),
    );
  });
  child.stdin.end(svg);
  const problem = await ended;
  signal?.throwIfAborted();
  const png = Buffer.concat(out);
  if (problem === undefined && png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return png;
  throw new AppError('unavailable', 'The picture of the curves could not be drawn.', {
    hint: 'The values stand in the message, and *CSV* brings all of them.',
    cause: new Error(problem ?? `${png.length} bytes that are no PNG. ${said}`),
  });
}
