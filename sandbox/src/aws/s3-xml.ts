/** S3's REST-XML documents. */
import { escapeXml } from './xml.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A list stands for elements of the same name, one after another; undefined is left out. */
type XmlValue = string | number | boolean | undefined | XmlMap | readonly XmlMap[];
export interface XmlMap {
  readonly [name: string]: XmlValue;
}

export function s3Document(root: string, content: XmlMap | string): string {
  const body = typeof content === 'string' ? escapeXml(content) : elements(content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${body}</${root}>`;
}

/** Errors have no namespace. */
export function s3Error(content: XmlMap): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements(content)}</Error>`;
}

function elements(map: XmlMap): string {
  return Object.entries(map)
    .flatMap(([name, value]) =>
      Array.isArray(value) ? value.map((item) => [name, item] as const) : [[name, value] as const],
    )
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const content = typeof value === 'object' ? elements(value as XmlMap) : escapeXml(String(value));
      return `<${name}>${content}</${name}>`;
    })
    .join('');
}

/** The texts of all elements of a name, wherever they stand: requests here are flat lists. */
export function textsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) =>
    unescapeXml(match[1]!),
  );
}

function unescapeXml(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|amp|lt|gt|quot|apos);/g, (_, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16));
    if (entity.startsWith('#')) return String.fromCodePoint(Number.parseInt(entity.slice(1), 10));
    return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[entity]!;
  });
}
