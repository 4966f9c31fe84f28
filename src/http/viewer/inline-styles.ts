/**
 * xterm.js 6.0 writes `<style>` elements and `style` attributes, both of which a page without inline styles refuses. Here
 * they become what such a page allows: style sheets and styles that a script has made. (Its own way out, the option
 * `documentOverride`, does not reach its viewport and its rows.)
 */
export function allowInlineStyles(): void {
  const create = document.createElement.bind(document) as (
    name: string,
    options?: ElementCreationOptions,
  ) => HTMLElement;
  document.createElement = ((name: string, options?: ElementCreationOptions) =>
    name.toLowerCase() === 'style'
      ? styleElement(create('span'))
      : create(name, options)) as typeof document.createElement;

  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (this: Element, name: string, value: string): void {
    if (name === 'style' && this instanceof HTMLElement) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

/** Its text is a style sheet for as long as it is not removed. */
function styleElement(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  element.hidden = true;
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set(now: string) {
      text = now;
      sheet.replaceSync(now);
      if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet);
    },
  });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    remove();
  };
  return element;
}
