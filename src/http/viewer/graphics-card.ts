/** Whether there is a graphics card to draw on. */

/** Drivers that emulate one on the processor: the terminal's own drawing is faster than those. */
const PLAYED = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export function hasGraphicsCard(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  // Chromium 156 does not count SwiftShader as a performance caveat, but gives its name.
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const name = String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  // Pages get few contexts.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return !PLAYED.test(name);
}
