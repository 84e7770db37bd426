import { expect, test } from 'vitest';
import { ownServers } from './connections.ts';

test("the daemons' variables of another farm are not looked at", () => {
  const shell = {
    NATS_URL: 'nats://live:4222',
    DATABASE_URL: 'postgres://live/farmhand',
    S3_ENDPOINT: 'https://live',
  };
  expect(ownServers(shell)).toEqual({ nats: undefined, databaseUrl: undefined, s3: undefined });
});

test('servers of the user are taken with their credentials', () => {
  const own = ownServers({
    FARMHAND_NATS_URL: 'nats://mine:4222',
    FARMHAND_NATS_USER: 'u',
    FARMHAND_NATS_PASSWORD: 'p',
    FARMHAND_S3_ENDPOINT: 'https://s3.mine',
    FARMHAND_S3_ACCESS_KEY_ID: 'a',
    FARMHAND_S3_SECRET_ACCESS_KEY: 's',
  });
  expect(own.nats?.users.worker).toEqual({ user: 'u', password: 'p' });
  expect(own.s3).toMatchObject({
    endpoint: 'https://s3.mine',
    bucket: 'farmhand',
    worker: { accessKeyId: 'a' },
  });
});

test('a missing credential is named', () => {
  expect(() => ownServers({ FARMHAND_NATS_URL: 'nats://mine:4222', FARMHAND_NATS_USER: 'u' })).toThrow(
    'FARMHAND_NATS_URL is set, so FARMHAND_NATS_PASSWORD has to be set, too.',
  );
});
