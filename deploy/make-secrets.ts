import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { generateSecrets } from '../src/local/secrets.ts';
import { s3Identities } from '../src/local/servers/seaweedfs.ts';
import { ROLES } from '../src/shared/messaging/permissions.ts';
import { passwordVariable } from './nats/render-config.ts';

const USAGE = `usage: node deploy/make-secrets.ts FOLDER [--database-host HOST] [--bucket NAME] [--owner UID:GID]

Makes every credential of a farm into files of mode 0600, for deploy/systemd (FOLDER is /etc/farmhand) and
docker-compose.yml (FOLDER is deploy/compose/secrets, --database-host postgres). Never replaces what is there.`;

export interface SecretsOptions {
  databaseHost: string;
  bucket: string;
}

/** Every secret file by its name. */
export function secretFiles({ databaseHost, bucket }: SecretsOptions): Record<string, string> {
  const { nats, postgres, s3, token } = generateSecrets();
  return {
    'passwords.conf': ROLES.map((role) => `${passwordVariable(role)}: "${nats[role]}"\n`).join(''),
    ...Object.fromEntries(ROLES.map((role) => [`${role}-nats-password`, `${nats[role]}\n`])),
    'database-password': `${postgres}\n`,
    'database-url': `postgres://farmhand:${postgres}@${databaseHost}:5432/farmhand\n`,
    'farm-s3-access-key-id': `${s3.farm.accessKeyId}\n`,
    'farm-s3-secret-access-key': `${s3.farm.secretAccessKey}\n`,
    'worker-s3-access-key-id': `${s3.worker.accessKeyId}\n`,
    'worker-s3-secret-access-key': `${s3.worker.secretAccessKey}\n`,
    's3-identities.json': s3Identities(bucket, s3),
    token: `${token}\n`,
  };
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'database-host': { type: 'string', default: '127.0.0.1' },
      bucket: { type: 'string', default: 'farmhand' },
      owner: { type: 'string' },
    },
  });
  const owner = /^(\d+):(\d+)$/.exec(values.owner ?? `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`);
  if (positionals[0] === undefined || positionals.length > 1 || owner === null) {
    console.error(USAGE);
    return 2;
  }
  const folder = resolve(positionals[0]);
  const files = secretFiles({ databaseHost: values['database-host'], bucket: values.bucket });
  const there = existsSync(folder) ? readdirSync(folder).filter((name) => name in files) : [];
  if (there.length > 0) {
    console.error(
      `${folder} holds ${there.join(', ')} already. Nothing was changed; remove them to make new ones.`,
    );
    return 1;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    chownSync(file, Number(owner[1]), Number(owner[2]));
  }
  console.log(`${Object.keys(files).length} files in ${folder}`);
  return 0;
}

if (import.meta.main) process.exitCode = main();
