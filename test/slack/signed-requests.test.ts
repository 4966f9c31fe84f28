import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignedRequests, TIME_TOLERANCE } from '../../src/slack/signed-requests.ts';

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const NOW = 1_800_000_000;
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

const sign = (body: string, second: number | string = NOW, secret = SECRET): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${second}:${body}`).digest('hex')}`;

function sent(
  requests: SignedRequests,
  body: string,
  { type = JSON_TYPE, second = NOW as number | string, signature = sign(body, second) } = {},
) {
  return requests.accept(
    { 'content-type': type, 'x-slack-request-timestamp': String(second), 'x-slack-signature': signature },
    Buffer.from(body),
  );
}
const fresh = (): SignedRequests => new SignedRequests({ signingSecret: SECRET, now: () => NOW * 1000 });
const EVENT = '{"type":"event_callback","team_id":"T1"}';

describe('a signed request', () => {
  it('is accepted as Slack’s documentation signs it', () => {
    // https://docs.slack.dev/authentication/verifying-requests-from-slack: its secret, body and signature.
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const requests = new SignedRequests({ signingSecret: SECRET, now: () => 1_531_420_618_000 });
    const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
    expect(sent(requests, body, { type: FORM, second: 1_531_420_618, signature })).toEqual({
      signature: signature.slice(3),
      until: (1_531_420_618 + TIME_TOLERANCE + 1) * 1000,
    });
  });

  it('is taken within five minutes, either way, and not beyond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2 * TIME_TOLERANCE, max: 2 * TIME_TOLERANCE }), (away) => {
        const answer = sent(fresh(), EVENT, { second: NOW + away });
        if (Math.abs(away) <= TIME_TOLERANCE) expect(answer).toHaveProperty('signature');
        else expect(answer).toMatchObject({ status: 401 });
      }),
      { numRuns: 300 },
    );
    const year = 365 * 86_400;
    for (const second of [
      NOW + year,
      NOW - year,
      'Infinity',
      '1e9',
      '-1',
      '',
      'NaN',
      `${NOW}.5`,
      `0x6b49d200`,
    ])
      expect(sent(fresh(), EVENT, { second })).toMatchObject({ status: 401 });
  });

  it('is refused the second time, also after the first time’s tolerance, and under no other name', () => {
    let now = NOW;
    const requests = new SignedRequests({ signingSecret: SECRET, now: () => now * 1000, remembered: 4 });
    const ahead = { second: NOW + TIME_TOLERANCE };
    expect(sent(requests, EVENT, ahead)).toHaveProperty('signature');
    expect(sent(requests, EVENT, ahead)).toMatchObject({ status: 409 });
    // What stands behind a second "=" is no part of the signature to some.
    const renamed = { ...ahead, signature: `${sign(EVENT, ahead.second)}=again` };
    expect(sent(requests, EVENT, renamed)).toMatchObject({ status: 401 });
    const upper = { ...ahead, signature: sign(EVENT, ahead.second).toUpperCase().replace('V0', 'v0') };
    expect(sent(requests, EVENT, upper)).toMatchObject({ status: 401 });
    now = NOW + 2 * TIME_TOLERANCE;
    expect(sent(requests, EVENT, ahead)).toMatchObject({ status: 409 });
    now += 2;
    expect(sent(requests, EVENT, ahead)).toMatchObject({ status: 401 });
  });

  it('is another one with another time: Slack signs each try anew', () => {
    const requests = fresh();
    expect(sent(requests, EVENT, { second: NOW - 1 })).toHaveProperty('signature');
    expect(sent(requests, EVENT, { second: NOW })).toHaveProperty('signature');
  });

  it('may come again when nothing came of it', () => {
    const requests = fresh();
    const first = sent(requests, EVENT) as { signature: string };
    requests.forget(first.signature);
    expect(sent(requests, EVENT)).toHaveProperty('signature');
  });

  it('is remembered in bounded memory: more than that are refused, until the oldest have had their time', () => {
    let now = NOW;
    const requests = new SignedRequests({ signingSecret: SECRET, now: () => now * 1000, remembered: 4 });
    const one = (n: number) => sent(requests, `{"type":"x","n":${n}}`, { second: now });
    for (let n = 0; n < 4; n += 1) expect(one(n)).toHaveProperty('signature');
    expect(one(4)).toMatchObject({ status: 503 });
    expect(one(0)).toMatchObject({ status: 409 });
    now += TIME_TOLERANCE + 2;
    expect(one(5)).toHaveProperty('signature');
  });

  it('with another secret, another body, or no signature at all is nobody’s, and leaves nothing behind', () => {
    const requests = new SignedRequests({ signingSecret: SECRET, now: () => NOW * 1000, remembered: 1 });
    for (const signature of [sign(EVENT, NOW, 'other'), sign(`${EVENT} `), '', 'v0=', 'v1=abc', 'v0=ab', '='])
      expect(sent(requests, EVENT, { signature })).toMatchObject({ status: 401 });
    expect(requests.accept({ 'content-type': JSON_TYPE }, Buffer.from(EVENT))).toMatchObject({ status: 401 });
    expect(sent(requests, EVENT)).toHaveProperty('signature');
  });

  it.each([
    ['null', JSON_TYPE, 'null'],
    ['payload=null', FORM, 'null'],
    ['payload=%5B%5D', FORM, 'a list'],
    ['[]', JSON_TYPE, 'a list'],
    ['5', JSON_TYPE, 'number'],
    ['"text"', JSON_TYPE, 'string'],
    ['', JSON_TYPE, 'not JSON'],
    ['{"type":', JSON_TYPE, 'not JSON'],
    ['{}', JSON_TYPE, 'no type'],
    ['{"type":5}', JSON_TYPE, 'no type'],
    ['payload={}&payload={}', FORM, 'several'],
    ['', FORM, 'one command or payload'],
    ['command=a&command=b', FORM, 'one command or payload'],
    ['payload=null', `${FORM}; charset=utf-8`, 'null'],
  ])('whose body is %s is answered, and says what is wrong', (body, type, why) => {
    expect(sent(fresh(), body, { type })).toMatchObject({ status: 400, why: expect.stringContaining(why) });
  });

  it('of any body and any headers gets an answer', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string(), fc.constantFrom('payload=', 'payload=%', 'ssl_check=1')),
        fc.option(fc.constantFrom(JSON_TYPE, FORM, 'text/plain', ';', ''), { nil: undefined }),
        (body, type) => {
          const answer = fresh().accept(
            {
              ...(type === undefined ? {} : { 'content-type': type }),
              'x-slack-request-timestamp': String(NOW),
              'x-slack-signature': sign(body),
            },
            Buffer.from(body),
          );
          expect('signature' in answer || answer.status >= 400).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
