import { z } from 'zod';
import type { Environment } from '../shared/config/environment.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { ROLES } from '../shared/messaging/permissions.ts';

const credentials = z.object({ user: z.string(), password: z.string() });
const s3Keys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** How the farm's processes, and people with the usual tools, reach its servers. */
export const connectionsSchema = z.object({
  nats: z.object({
    url: z.string(),
    /** Where other machines reach it; the same as `url` on loopback. */
    publicUrl: z.string(),
    users: z.record(z.enum(ROLES), credentials),
  }),
  databaseUrl: z.string(),
  s3: z.object({
    endpoint: z.string(),
    /** Where other machines and browsers on them reach it; the same as `endpoint` on loopback. */
    publicEndpoint: z.string(),
    bucket: z.string(),
    region: z.string(),
    farm: s3Keys,
    worker: s3Keys,
  }),
});
export type Connections = z.infer<typeof connectionsSchema>;

/** Servers of the user's own, which are used in place of ones that the local farm would start. */
export interface OwnServers {
  nats: Connections['nats'] | undefined;
  databaseUrl: string | undefined;
  s3: Connections['s3'] | undefined;
}

/**
 * Reads `FARMHAND_NATS_URL`, `FARMHAND_DATABASE_URL` and `FARMHAND_S3_ENDPOINT` with their credentials. The daemons' own
 * variables (`NATS_URL` …) are not looked at: a shell that has them set for another farm must not send this one there.
 * @throws FarmError `invalid` naming the variable that is missing.
 */
export function ownServers(environment: Environment): OwnServers {
  return {
    nats: ownNats(environment),
    databaseUrl: given(environment, 'FARMHAND_DATABASE_URL'),
    s3: ownS3(environment),
  };
}

function ownNats(environment: Environment): Connections['nats'] | undefined {
  const url = given(environment, 'FARMHAND_NATS_URL');
  if (url === undefined) return undefined;
  const user = required(environment, 'FARMHAND_NATS_USER', 'FARMHAND_NATS_URL');
  const password = required(environment, 'FARMHAND_NATS_PASSWORD', 'FARMHAND_NATS_URL');
  const users = Object.fromEntries(ROLES.map((role) => [role, { user, password }]));
  return { url, publicUrl: url, users: users as Connections['nats']['users'] };
}

function ownS3(environment: Environment): Connections['s3'] | undefined {
  const endpoint = given(environment, 'FARMHAND_S3_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const keys = {
    accessKeyId: required(environment, 'FARMHAND_S3_ACCESS_KEY_ID', 'FARMHAND_S3_ENDPOINT'),
    secretAccessKey: required(environment, 'FARMHAND_S3_SECRET_ACCESS_KEY', 'FARMHAND_S3_ENDPOINT'),
  };
  return {
    endpoint,
    publicEndpoint: endpoint,
    bucket: given(environment, 'FARMHAND_S3_BUCKET') ?? 'farmhand',
    region: given(environment, 'FARMHAND_S3_REGION') ?? 'us-east-1',
    farm: keys,
    worker: keys,
  };
}

/** A variable's value; an empty one counts as not set. */
function given(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function required(environment: Environment, name: string, because: string): string {
  const value = given(environment, name);
  if (value !== undefined) return value;
  throw new FarmError('invalid', `${because} is set, so ${name} has to be set, too.`);
}
