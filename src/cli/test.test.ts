import { expect, test } from 'vitest';
import { testEnvironment } from './test.ts';

test('nothing in the environment of tests leads to a farm that is in use', () => {
  const kept = {
    PATH: '/bin',
    HOME: '/home/me',
    FARMHAND_CACHE: '/cache',
    FARMHAND_TEST_LOG: 'debug',
    FARMHAND_REQUIRE_ENGINES: '1',
  };
  const live = {
    NATS_URL: 'nats://live:4222',
    NATS_PASSWORD: 'x',
    DATABASE_URL: 'postgres://live',
    PGPASSWORD: 'x',
    S3_ENDPOINT: 'http://live',
    AWS_SECRET_ACCESS_KEY: 'x',
    FARMHAND_URL: 'http://live',
    FARMHAND_TOKEN: 'x',
    FARMHAND_HOME: '/live',
    FARMHAND_NATS_URL: 'nats://live:4222',
  };
  expect(testEnvironment({ ...kept, ...live })).toEqual(kept);
});
