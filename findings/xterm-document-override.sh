#!/usr/bin/env bash
# @xterm/xterm 6.0.0, opened in jsdom 26.1.0: the option documentOverride.
# Expected, as its typings have it: the document to make elements with is the one that is given, so that a page without
# inline styles can give one whose <style> elements are style sheets made by script.
# Seen: of the three <style> elements the viewport's is made by the window's own document, since
# `this._document ?? (typeof window !== 'undefined') ? window.document : null` is read as `(… ?? …) ? window.document : null`.
# Signalbox's page stands in for document.createElement instead (src/http/viewer/inline-styles.ts).
set -euo pipefail
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund @xterm/xterm@6.0.0 jsdom@26.1.0
cat > open.js <<'JS'
const { JSDOM } = require('jsdom');
const { window } = new JSDOM('<div id="host"></div>', { pretendToBeVisual: true });
const none = { matches: false, addListener() {}, removeListener() {}, addEventListener() {}, removeEventListener() {} };
window.matchMedia = () => none;
window.HTMLCanvasElement.prototype.getContext = () => null;
for (const name of ['window', 'document', 'navigator', 'Document', 'HTMLElement', 'requestAnimationFrame', 'cancelAnimationFrame'])
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true });
globalThis.self = window;
const made = { given: [], own: [] };
const own = window.document.createElement.bind(window.document);
window.document.createElement = (name) => { made.own.push(name); return own(name); };
const given = new Proxy(window.document, {
  get(target, key) {
    if (key === 'createElement') return (name) => { made.given.push(name); return own(name); };
    const value = Reflect.get(target, key);
    return typeof value === 'function' ? value.bind(target) : value;
  },
});
const { Terminal } = require('@xterm/xterm');
new Terminal({ documentOverride: given, allowProposedApi: true }).open(window.document.getElementById('host'));
const styles = (names) => names.filter((name) => name === 'style').length;
console.log(`<style> elements made by the document that was given: ${styles(made.given)}, by the window's own: ${styles(made.own)}`);
process.exit(0);
JS
node open.js | tee out.txt
grep -q "given: 2, by the window's own: 1" out.txt
