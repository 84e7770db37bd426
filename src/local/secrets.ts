import { randomBytes } from 'node:crypto';
import { ROLES, type Role } from '../shared/messaging/permissions.ts';
import type { S3Identity, SeaweedKeys } from './servers/seaweedfs.ts';

/** Every credential of a local farm; made at its first start. */
export interface FarmSecrets {
  nats: Record<Role, string>;
  postgres: string;
  s3: { farm: S3Identity; worker: S3Identity };
  seaweed: SeaweedKeys;
  /** Asked of every HTTP request and socket. */
  token: string;
}

/** 192 random bits in letters that need no escaping in URLs, shells and configuration files. */
const secret = (): string => randomBytes(24).toString('hex');

export function generateSecrets(): FarmSecrets {
  const identity = (): S3Identity => ({
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: secret(),
  });
  return {
    // A letter first: nats-server reads a value that looks like a number as one.
    nats: Object.fromEntries(ROLES.map((role) => [role, `n${secret()}`])) as Record<Role, string>,
    postgres: secret(),
    s3: { farm: identity(), worker: identity() },
    seaweed: { volumeWrite: secret(), volumeRead: secret(), filerWrite: secret(), filerRead: secret() },
    token: secret(),
  };
}
