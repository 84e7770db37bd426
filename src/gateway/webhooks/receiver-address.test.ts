import { describe, expect, it } from 'vitest';
import { AddressRules } from './address-rules.ts';
import { checkedAddresses, hostOf, receiverUrl, type Resolve } from './receiver-address.ts';

const strict = new AddressRules('');
const resolvesTo =
  (...addresses: string[]): Resolve =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

describe('a receiver’s URL', () => {
  it.each([
    ['http://127.0.0.1/', 'loopback'],
    ['http://2130706433/', 'loopback as one number'],
    ['http://0x7f.1/', 'loopback in hexadecimal'],
    ['http://0177.0.0.1/', 'loopback in octal'],
    ['http://127.1:8080/', 'loopback, shortened'],
    ['http://0.0.0.0/', 'any'],
    ['http://10.1.2.3/', 'private'],
    ['http://172.31.255.255/', 'private'],
    ['http://192.168.1.1/', 'private'],
    ['http://100.64.0.1/', 'behind a carrier’s NAT'],
    ['http://169.254.169.254/latest/meta-data', 'a cloud’s credentials'],
    ['http://224.0.0.1/', 'multicast'],
    ['http://255.255.255.255/', 'broadcast'],
    ['http://[::1]/', 'loopback'],
    ['http://[::]/', 'any'],
    ['http://[::ffff:169.254.169.254]/', 'IPv4-mapped'],
    ['http://[::ffff:8.8.8.8]/', 'IPv4-mapped, whatever is inside'],
    ['http://[64:ff9b::a9fe:a9fe]/', 'NAT64'],
    ['http://[64:ff9b:1::1]/', 'NAT64, local'],
    ['http://[2002:7f00:1::]/', '6to4'],
    ['http://[2001::1]/', 'Teredo'],
    ['http://[fc00::1]/', 'unique local'],
    ['http://[fe80::1]/', 'link-local'],
    ['http://[ff02::1]/', 'multicast'],
  ])('%s is refused: %s', (url) => {
    expect(() => receiverUrl(url, strict)).toThrow(/no public address/);
  });

  it.each(['https://hooks.example.com/a?b=c', 'http://8.8.8.8:8080/', 'https://[2606:4700::1111]/'])(
    '%s is taken',
    (url) => {
      expect(receiverUrl(url, strict).href).toBe(url);
    },
  );

  it.each([
    ['ftp://example.com/', 'an https or http URL'],
    ['file:///etc/passwd', 'an https or http URL'],
    ['not a url', 'an https or http URL'],
    ['https://ann:secret@example.com/', 'without user and password'],
  ])('%s is not valid', (url, expected) => {
    expect(() => receiverUrl(url, strict)).toThrow(expected);
    expect(() => receiverUrl(url, strict)).not.toThrow(/secret@/);
  });
});

describe('the addresses of a name', () => {
  it('are all public, or the name is refused', async () => {
    const looking = checkedAddresses('a.example', strict, resolvesTo('8.8.8.8', '169.254.169.254'));
    await expect(looking).rejects.toThrow('a.example is 169.254.169.254, which is no public address');
    await expect(checkedAddresses('a.example', strict, resolvesTo('8.8.8.8'))).resolves.toEqual([
      { address: '8.8.8.8', family: 4 },
    ]);
  });

  it('are looked up each time, so that a name that changes is caught', async () => {
    const answers = ['8.8.8.8', '127.0.0.1'];
    const rebinding: Resolve = () => resolvesTo(answers.shift() ?? '')('');
    await checkedAddresses('a.example', strict, rebinding);
    await expect(checkedAddresses('a.example', strict, rebinding)).rejects.toThrow(/no public address/);
  });

  it('are needed', async () => {
    await expect(checkedAddresses('a.example', strict, resolvesTo())).rejects.toThrow(/has no address/);
    const broken: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    await expect(checkedAddresses('a.example', strict, broken)).rejects.toThrow(
      /cannot be looked up: ENOTFOUND/,
    );
  });
});

describe('what an operator allows', () => {
  const rules = new AddressRules('10.1.0.0/16, fd00::/8, 127.0.0.1, hooks.studio.internal');

  it.each([
    ['10.1.2.3', 'x', true],
    ['10.2.0.1', 'x', false],
    ['fd12::1', 'x', true],
    ['127.0.0.1', 'x', true],
    ['127.0.0.2', 'x', false],
    ['192.168.7.7', 'hooks.studio.internal', true],
    ['192.168.7.7', 'other.studio.internal', false],
    ['fe80::1%eth0', 'x', false],
    ['8.8.8.8', 'x', true],
    ['no address', 'x', false],
  ])('%s of %s: %s', (address, host, allowed) => {
    expect(rules.allows(address, host)).toBe(allowed);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', '1.2.3', 'http://x', 'a b', '10.0.0.0/8/8', '*'])('not %s', (entry) => {
    expect(() => new AddressRules(entry)).toThrow(/FARMHAND_WEBHOOK_ALLOW names/);
  });
});

it('a host is compared without brackets and without the last dot', () => {
  expect(hostOf(new URL('http://[::1]:80/'))).toBe('::1');
  expect(hostOf(new URL('http://Example.COM./'))).toBe('example.com');
});
