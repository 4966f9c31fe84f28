// A program of its own: an SVG from standard input to a PNG on standard output. What drawing takes of memory, and of
// this machine's time, is over with it. Arguments: the renderer's WebAssembly, then the fonts.
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const [wasm, ...fonts] = process.argv.slice(2);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const module = readFileSync(wasm);
// The build keeps it compressed: a third of its size.
await initWasm(wasm.endsWith('.br') ? brotliDecompressSync(module) : module);
const drawing = new Resvg(Buffer.concat(chunks).toString('utf8'), {
  font: {
    fontBuffers: fonts.map((file) => readFileSync(file)),
    defaultFontFamily: 'Inter',
    loadSystemFonts: false,
  },
});
process.stdout.write(drawing.render().asPng());
