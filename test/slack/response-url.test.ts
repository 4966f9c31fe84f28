import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { respond, slacksOwn } from '../../src/slack/response-url.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('a response_url', () => {
  it.each([
    'https://hooks.slack.com/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN',
    'https://hooks.slack-gov.com/actions/T0/1/x',
  ])('is Slack’s: %s', (address) => {
    expect(slacksOwn(address, undefined)).toBe(address);
  });

  it.each([
    'http://hooks.slack.com/commands/T0/1/x',
    'https://hooks.slack.com:8443/commands/T0/1/x',
    'https://slack.com.example.org/x',
    'https://notslack.com/x',
    'https://hooks.slack.com@example.org/x',
    'https://example.org/?hooks.slack.com',
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:3000/x',
    'http://[::1]/x',
    'file:///etc/hostname',
    'hooks.slack.com',
    '',
  ])('of anybody else is not used: %s', (address) => {
    expect(slacksOwn(address, undefined)).toBeUndefined();
    expect(slacksOwn(address, 'http://127.0.0.1:4400/api/')).toBeUndefined();
  });

  it('may be that of the Slack that is configured, and of no other port there', () => {
    const api = 'http://127.0.0.1:4400/api/';
    expect(slacksOwn('http://127.0.0.1:4400/response/1', api)).toBeDefined();
    expect(slacksOwn('http://127.0.0.1:4401/response/1', api)).toBeUndefined();
  });

  it('never names another host than Slack’s, however it is written', () => {
    fc.assert(
      fc.property(fc.webUrl(), (address) => {
        const used = slacksOwn(address, undefined);
        if (used !== undefined) expect(new URL(used).hostname).toMatch(/(?:^|\.)slack(?:-gov)?\.com$/);
      }),
      { numRuns: 500 },
    );
  });

  it('is followed to no other address', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    await expect(respond(`http://127.0.0.1:${port}/hook`, {})).rejects.toThrow();
    expect(asked).toEqual(['/hook']);
  });
});
