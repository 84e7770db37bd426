import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daemonScript } from '../../src/local/daemons.ts';
import { readEnvironment } from '../../src/shared/config/environment.ts';
import {
  ROLE_NAMES,
  ROOT,
  SCHEMAS,
  unknownVariables,
  withFilesFrom,
  writeSecretFiles,
  type Role,
} from '../support/deployment.ts';
import { need } from '../support/needs.ts';

const UNITS: Record<Role, string> = {
  coordinator: 'farmhand-coordinator.service',
  gateway: 'farmhand-gateway.service',
  worker: 'farmhand-worker@.service',
};
const unitFile = (role: Role): string => join(ROOT, 'deploy/systemd', UNITS[role]);
/** Highest exposure that is accepted, in tenths: what `systemd-analyze security --threshold` takes. */
const HIGHEST_EXPOSURE = 15;

/** The `key=value` lines of a unit, in order. */
function directives(role: Role): [string, string][] {
  return readFileSync(unitFile(role), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z]\w*=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
}

const valuesOf = (role: Role, key: string): string[] =>
  directives(role).flatMap(([name, value]) => (name === key ? [value] : []));

/** What `Environment=` lines set, with the credentials folder and the instance's name as they are in `%d` and `%i`. */
function environmentOf(role: Role): Record<string, string> {
  const pairs = valuesOf(role, 'Environment').flatMap((line) => line.split(' '));
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

let secrets: ReturnType<typeof writeSecretFiles>;
beforeAll(() => {
  secrets = writeSecretFiles('127.0.0.1');
});
afterAll(() => {
  rmSync(secrets.folder, { recursive: true });
});

describe.each(ROLE_NAMES)('the unit of the %s', (role) => {
  it('starts what the local farm starts', () => {
    expect(valuesOf(role, 'ExecStart')).toEqual([`node ${relative(ROOT, daemonScript(role))}`]);
  });

  it('sets only variables that the process reads', () => {
    const own = Object.keys(environmentOf(role)).filter((name) => !['NODE_ENV', 'HOME'].includes(name));
    expect(unknownVariables(role, own)).toEqual([]);
  });

  it('gives the process a whole environment together with its file of addresses', () => {
    const credentials = new Map(
      valuesOf(role, 'LoadCredential').map((line) => line.split(':') as [string, string]),
    );
    const environment = withFilesFrom(secrets.folder, environmentOf(role), (path) => {
      const name = path.replace('%d/', '');
      const source = credentials.get(name);
      expect(source, `${path} is a credential of the unit`).toBeDefined();
      return source!.replace('/etc/farmhand/', '');
    });
    const addresses = { NATS_URL: 'nats://10.0.0.1:4222', S3_ENDPOINT: 'http://10.0.0.1:8333' };
    const values = readEnvironment(SCHEMAS[role], {
      ...environment,
      ...addresses,
      FARMHAND_HEALTH_PORT: environment['FARMHAND_HEALTH_PORT']?.replace('%i', '1'),
    });
    expect(values.NATS_USER).toBe(role);
    expect(values.NATS_PASSWORD).toMatch(/^n[0-9a-f]{48}$/);
  });

  it('holds no secret and takes each from a file', () => {
    expect(
      Object.keys(environmentOf(role)).filter((name) =>
        /PASSWORD$|KEY$|KEY_ID$|TOKEN$|DATABASE_URL$/.test(name),
      ),
    ).toEqual([]);
  });

  it('stops in order: the process first, then what it left', () => {
    expect(valuesOf(role, 'KillMode')).toEqual(['mixed']);
    expect(Number(valuesOf(role, 'TimeoutStopSec')[0])).toBeGreaterThanOrEqual(role === 'worker' ? 60 : 20);
  });

  const analyser = need('systemd-analyze');
  it.skipIf(analyser.skip)(`exposes the machine to at most ${HIGHEST_EXPOSURE / 10}${analyser.note}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'farmhand-test-units-'));
    try {
      // Offline, the program reads a template only under an instance's name.
      const unit = join(folder, UNITS[role].replace('@.', '@1.'));
      copyFileSync(unitFile(role), unit);
      const args = ['security', '--offline=true', `--threshold=${HIGHEST_EXPOSURE}`, '--no-pager', unit];
      const report = execFileSync('systemd-analyze', args, { encoding: 'utf8' });
      expect(report).toMatch(/Overall exposure level for .*: (0|1)\.\d/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
