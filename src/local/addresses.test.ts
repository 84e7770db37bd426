import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import { farmAddress } from './addresses.ts';

const entry = (address: string, internal = false, family: 'IPv4' | 'IPv6' = 'IPv4'): NetworkInterfaceInfo =>
  ({ address, internal, family }) as NetworkInterfaceInfo;

const interfaces = {
  lo: [entry('127.0.0.1', true)],
  eth0: [entry('192.168.1.5'), entry('fe80::1', false, 'IPv6')],
};

test('by default only this machine is let in', () => {
  expect(farmAddress(undefined, interfaces)).toEqual({
    host: '127.0.0.1',
    advertised: '127.0.0.1',
    isLoopback: true,
  });
});

test('every address is advertised as one that others reach', () => {
  expect(farmAddress('0.0.0.0', interfaces)).toEqual({
    host: '0.0.0.0',
    advertised: '192.168.1.5',
    isLoopback: false,
  });
});

test('a link-local address is nothing to advertise', () => {
  expect(() => farmAddress('::', interfaces)).toThrow('no IPv6 address that others can reach');
});

test.each(['example.org', '1.2.3', '', '192.168.1.5:80'])('%j is not an address', (host) => {
  expect(() => farmAddress(host, interfaces)).toThrow('is not an IP address of this machine');
});
