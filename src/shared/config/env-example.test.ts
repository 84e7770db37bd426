import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALLOW_COMMAND } from '../engines/engine-variables.ts';
import {
  coordinatorEnvironment,
  gatewayEnvironment,
  readEnvironment,
  workerEnvironment,
} from './environment.ts';

const schemas = [coordinatorEnvironment, gatewayEnvironment, workerEnvironment];
const lines = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8').split('\n');
const example = new Map(
  lines.flatMap((line) => {
    const found = /^([A-Z0-9_]+)=(.*)$/.exec(line);
    return found?.[1] === undefined ? [] : [[found[1], found[2] ?? '']];
  }),
);

describe('.env.example', () => {
  it('lists every variable that a process reads, and no other', () => {
    const known = new Set(schemas.flatMap((schema) => Object.keys(schema.shape)));
    known.add(ALLOW_COMMAND); // read where the engine is looked for
    expect([...example.keys()].sort()).toEqual([...known].sort());
  });

  it('names no variable twice', () => {
    expect(lines.filter((line) => /^[A-Z0-9_]+=/.test(line))).toHaveLength(example.size);
  });

  it.each([
    ['coordinator', coordinatorEnvironment],
    ['gateway', gatewayEnvironment],
    ['worker', workerEnvironment],
  ])('holds values that the %s accepts once the secrets are filled in', (_process, schema) => {
    const filled = {
      ...Object.fromEntries(example),
      NATS_PASSWORD: 'p',
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
    };
    expect(() => readEnvironment(schema, filled)).not.toThrow();
  });

  it('shows the defaults as they are', () => {
    const parsed = readEnvironment(workerEnvironment, {
      NATS_USER: 'worker',
      NATS_PASSWORD: 'p',
      S3_ENDPOINT: 'http://127.0.0.1:8333',
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
      FARMHAND_WORKER_DIR: '/tmp/x',
    });
    for (const name of [
      'FARMHAND_ASSET_CACHE_BYTES',
      'S3_BUCKET',
      'AWS_REGION',
      'FARMHAND_LOG_LEVEL',
    ] as const)
      expect(example.get(name)).toBe(String(parsed[name]));
  });
});
