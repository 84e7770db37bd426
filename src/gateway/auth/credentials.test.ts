import { describe, expect, it } from 'vitest';
import { checkCredentials, cookieValue } from './credentials.ts';
import { FarmToken } from './farm-token.ts';

const token = new FarmToken('a-token-of-at-least-32-characters');
const kindOf = (headers: { authorization?: string; cookie?: string }): string =>
  checkCredentials(headers, token, 'farmhand_1').kind;

describe('checkCredentials', () => {
  it.each([
    [{}, 'missing'],
    [{ cookie: 'other=1; farmhand_2=x' }, 'missing'],
    [{ authorization: 'Bearer a-token-of-at-least-32-characters' }, 'api'],
    [{ authorization: 'bearer  a-token-of-at-least-32-characters ' }, 'api'],
    [{ authorization: 'Bearer a-token-of-at-least-32-character' }, 'wrong'],
    [{ authorization: '' }, 'wrong'],
    [{ cookie: `a=b; farmhand_1=${token.cookieValue}; c=d` }, 'page'],
    [{ cookie: 'farmhand_1=a-token-of-at-least-32-characters' }, 'wrong'],
    [{ cookie: `farmhand_1=${token.cookieValue}`, authorization: 'Bearer wrong' }, 'wrong'],
    [{ authorization: `Bearer ${token.cookieValue}` }, 'wrong'],
  ])('takes %j for %s', (headers, kind) => expect(kindOf(headers)).toBe(kind));
});

it.each([
  ['a=1', 'a', '1'],
  [' b=2 ; a = 1=1', 'a', '1=1'],
  ['aa=1', 'a', undefined],
  ['=1; a', 'a', undefined],
  [undefined, 'a', undefined],
])('finds in the cookie header %j the cookie %s: %j', (header, name, value) => {
  expect(cookieValue(header, name)).toBe(value);
});
