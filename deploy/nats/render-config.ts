import { readFileSync, writeFileSync } from 'node:fs';
import { ROLES, natsUsers, type Role } from '../../src/shared/messaging/permissions.ts';

const FILE = new URL('nats.conf', import.meta.url);

/** The name that `passwords.conf` gives to a role's password. */
export const passwordVariable = (role: Role): string => `${role.toUpperCase()}_PASSWORD`;

/**
 * nats-server's configuration for farms that are not started by `./farmhand up`: one user a role, with the rights of the
 * table in src/shared/messaging/permissions.ts. Passwords come from `passwords.conf` beside it, one
 * `COORDINATOR_PASSWORD: "…"` a line, and never stand in this file.
 */
export function renderNatsConfiguration(): string {
  const names = Object.fromEntries(ROLES.map((role) => [role, passwordVariable(role)])) as Record<
    Role,
    string
  >;
  const users = natsUsers(names).map(({ user, password, permissions }) =>
    [
      '    {',
      `      user: ${user}`,
      // Without quotes: nats-server puts in what passwords.conf says.
      `      password: $${password}`,
      '      permissions: {',
      `        publish: ${JSON.stringify(permissions.publish)}`,
      `        subscribe: ${JSON.stringify(permissions.subscribe)}`,
      '      }',
      '    }',
    ].join('\n'),
  );
  return `# Made by \`node deploy/nats/render-config.ts\` from src/shared/messaging/permissions.ts: change that, not this.
# Needs nats-server 2.12 or newer. Passwords: passwords.conf in this folder (mode 0600), made by deploy/make-secrets.ts.
include ./passwords.conf

server_name: farmhand
# Clients. Without TLS this belongs on a private network only; see docs/queue.md.
listen: 0.0.0.0:4222
# Health (/healthz) and monitoring; asks for no password, so loopback only.
http: 127.0.0.1:8222
# A client that hangs (a frozen coordinator, a cut cable) leaves its queue groups after 15 s, not after minutes.
ping_interval: "5s"
ping_max: 2

jetstream: {
  store_dir: /data/jetstream
  max_memory_store: 1GB
  # Keep it well under the size of the disk: a full disk stops JetStream, a full store only refuses messages.
  max_file_store: 32GB
}

authorization: {
  users: [
${users.join('\n')}
  ]
}
`;
}

if (import.meta.main) {
  const wanted = renderNatsConfiguration();
  if (!process.argv.includes('--check')) writeFileSync(FILE, wanted);
  else if (readFileSync(FILE, 'utf8') !== wanted) {
    console.error(
      'deploy/nats/nats.conf is not what the table of permissions says: run `node deploy/nats/render-config.ts`.',
    );
    process.exitCode = 1;
  }
}
