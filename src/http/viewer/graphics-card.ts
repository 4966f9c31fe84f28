/** Whether there is a graphics card to draw on. */

/** Drivers that let the processor play one: the terminal's own way of drawing is faster than those. */
const PLAYED = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export function hasGraphicsCard(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  // Chromium 156 gives SwiftShader out as no caveat; it says its name, though.
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const name = String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  // Pages get few contexts.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return !PLAYED.test(name);
}
