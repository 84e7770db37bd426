import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { daemonScript } from '../../src/local/daemons.ts';
import { NATS_SERVER_WHEEL, POSTGRES_TARBALLS, SEAWEEDFS_WHEEL } from '../../src/local/downloads/pinned.ts';
import { readEnvironment } from '../../src/shared/config/environment.ts';
import {
  ROLE_NAMES,
  ROOT,
  SCHEMAS,
  unknownVariables,
  withFilesFrom,
  writeSecretFiles,
} from '../support/deployment.ts';

const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  secrets: z.array(z.union([z.string(), z.looseObject({ source: z.string() })])).optional(),
  networks: z.array(z.string()),
  ports: z.array(z.string()).optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
});

const compose = composeSchema.parse(
  parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }),
);
const service = (name: string): z.infer<typeof serviceSchema> => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const secretsOf = (name: string): string[] =>
  (service(name).secrets ?? []).map((secret) => (typeof secret === 'string' ? secret : secret.source));

let files: ReturnType<typeof writeSecretFiles>;
beforeAll(() => {
  files = writeSecretFiles('postgres');
});
afterAll(() => {
  rmSync(files.folder, { recursive: true });
});

describe.each(ROLE_NAMES)('the %s of docker-compose.yml', (role) => {
  const environment = service(role).environment ?? {};

  it('starts what the local farm starts', () => {
    expect(service(role).command).toEqual(['node', relative(ROOT, daemonScript(role))]);
  });

  it('sets only variables that the process reads', () => {
    expect(unknownVariables(role, Object.keys(environment))).toEqual([]);
  });

  it('gives the process an environment that it accepts', () => {
    const values = readEnvironment(SCHEMAS[role], withFilesFrom(files.folder, environment));
    expect(values).toMatchObject({ NATS_URL: 'nats://nats:4222', NATS_USER: role, S3_BUCKET: 'farmhand' });
  });

  it('mounts exactly the secrets that it reads', () => {
    const read = Object.entries(environment).flatMap(([name, value]) =>
      name.endsWith('_FILE') ? [value.replace('/run/secrets/', '')] : [],
    );
    expect(secretsOf(role).sort()).toEqual(read.sort());
  });
});

describe('docker-compose.yml', () => {
  it('takes every secret from a file that make-secrets.ts makes', () => {
    const wanted = Object.values(compose.secrets).map(({ file }) =>
      file.replace('./deploy/compose/secrets/', ''),
    );
    for (const name of wanted) expect(files.names).toContain(name);
    for (const name of Object.keys(compose.services))
      for (const secret of secretsOf(name)) expect(Object.keys(compose.secrets)).toContain(secret);
  });

  it('publishes ports on loopback only', () => {
    const ports = Object.values(compose.services).flatMap((one) => one.ports ?? []);
    expect(ports).not.toHaveLength(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('keeps workers, which run code out of scene files, away from the ledger and the inside of the storage', () => {
    expect(service('worker').networks).toEqual(['farm']);
    for (const name of ['postgres', 'seaweedfs']) expect(service(name).networks).not.toContain('farm');
    expect(compose.networks).toMatchObject({ ledger: { internal: true }, storage: { internal: true } });
  });

  it('runs the servers in the versions that the tests run', () => {
    const version = (requirement: string): string => requirement.split('==')[1] ?? '';
    expect(service('nats').image).toBe(`nats:${version(NATS_SERVER_WHEEL.requirement)}-alpine`);
    expect(service('seaweedfs').image).toBe(`chrislusf/seaweedfs:${version(SEAWEEDFS_WHEEL.requirement)}`);
    const postgres = POSTGRES_TARBALLS['linux-x64']?.version
      .split('.')
      .slice(0, 2)
      .join('.')
      .replace(/-.*/, '');
    expect(service('postgres').image).toBe(`postgres:${postgres}-bookworm`);
  });
});
