import { describe, expect, it } from 'vitest';
import { HostRules, isForeign, isOwnPage, parseAllowedHosts } from './host-rules.ts';

describe('HostRules', () => {
  const loopback = new HostRules('127.0.0.1', parseAllowedHosts(' farm.example , proxy.example:8443,'));
  const everywhere = new HostRules('0.0.0.0', []);

  it.each([
    'localhost',
    'localhost:7780',
    '127.0.0.1:7780',
    '[::1]:7780',
    'LOCALHOST:1',
    'farm.example',
    'Farm.Example:9999',
    'proxy.example:8443',
  ])('takes %s', (host) => expect(loopback.allows(host)).toBe(true));

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.7:7780',
    'proxy.example',
    'proxy.example:80',
    'evil.example@localhost',
    'localhost:7780:80',
    'localhost/evil.example',
    'local host',
  ])('refuses %s', (host) => expect(loopback.allows(host)).toBe(false));

  it('takes each address, which cannot be rebound, but no foreign name when it listens on all of them', () => {
    expect(everywhere.allows('192.168.1.7:7780')).toBe(true);
    expect(everywhere.allows('[fe80::1]:7780')).toBe(true);
    expect(everywhere.allows('evil.example:7780')).toBe(false);
    expect(everywhere.allows('1.2.3.4.evil.example')).toBe(false);
  });
});

describe('where a request comes from', () => {
  const host = '127.0.0.1:7780';

  it.each([
    [{ host, origin: 'http://127.0.0.1:7780' }, true],
    [{ host, 'sec-fetch-site': 'same-origin' }, true],
    [{ host: 'farm.example', origin: 'https://farm.example' }, true],
    [{ host }, false],
    [{ host, origin: 'http://127.0.0.1:7781' }, false],
    [{ host, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' }, false],
    [{ host: 'localhost:99999', origin: 'http://localhost:9999' }, false],
    [{ host, origin: 'null' }, false],
    [{ host, origin: 'file://127.0.0.1:7780' }, false],
    [{ host, 'sec-fetch-site': 'same-site' }, false],
    [{ host, 'sec-fetch-site': 'none' }, false],
  ])('%j is our own page: %s', (headers, own) => expect(isOwnPage(headers)).toBe(own));

  it.each([
    [{ host }, false],
    [{ host, 'sec-fetch-site': 'none' }, false],
    [{ host, 'sec-fetch-site': 'same-origin' }, false],
    [{ host, origin: 'http://127.0.0.1:7780' }, false],
    [{ host, origin: 'http://evil.example' }, true],
    [{ host, origin: 'null' }, true],
    [{ host, 'sec-fetch-site': 'cross-site' }, true],
    [{ host, 'sec-fetch-site': 'same-site' }, true],
  ])('%j is another site: %s', (headers, foreign) => expect(isForeign(headers)).toBe(foreign));
});
