import { describe, expect, it, vi } from 'vitest';
import { takeTokenFromAddress } from './use-session.ts';

function address(hash: string): { location: Location; history: History; replaced: string[] } {
  const replaced: string[] = [];
  const history = { state: null, replaceState: vi.fn((_state, _title, url: string) => replaced.push(url)) };
  return {
    location: { hash, pathname: '/jobs', search: '?state=failed' } as Location,
    history: history as unknown as History,
    replaced,
  };
}

describe('takeTokenFromAddress', () => {
  it('takes the token and leaves none in the address', () => {
    const { location, history, replaced } = address('#token=abc-123');
    expect(takeTokenFromAddress(location, history)).toBe('abc-123');
    expect(replaced).toEqual(['/jobs?state=failed']);
  });

  it('leaves other fragments alone', () => {
    const { location, history, replaced } = address('#frames');
    expect(takeTokenFromAddress(location, history)).toBeNull();
    expect(replaced).toEqual([]);
  });
});
