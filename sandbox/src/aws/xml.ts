/** The Query protocol's XML, both ways it is needed here: a result and an error. */

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

export function toXml(
  operation: string,
  result: Readonly<Record<string, unknown>>,
  requestId: string,
): string {
  return (
    `<${operation}Response xmlns="${NAMESPACE}"><${operation}Result>${elements(result)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  );
}

export function xmlError(code: string, message: string, status: number, requestId: string): string {
  const type = status >= 500 ? 'Receiver' : 'Sender';
  return (
    `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type><Code>${escapeXml(code)}</Code>` +
    `<Message>${escapeXml(message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  );
}

function elements(value: Readonly<Record<string, unknown>>): string {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => {
      const content =
        typeof member === 'object' && member !== null
          ? elements(member as Record<string, unknown>)
          : escapeXml(String(member));
      return `<${name}>${content}</${name}>`;
    })
    .join('');
}

export function escapeXml(text: string): string {
  return (
    text
      // XML 1.0 cannot hold these even escaped.
      .replace(/[^\P{Cc}\t\n\r]/gu, '?')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
  );
}
