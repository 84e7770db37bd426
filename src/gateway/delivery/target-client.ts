import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { FarmError } from '../../shared/domain/errors.ts';
import { hostOf, isPublicHost, publicLookup } from './public-address.ts';
import type { OpenTarget } from './target-store.ts';

const CONNECTION_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const MOST_SOCKETS = 16;

/**
 * A client for a target, with the target's own key and never the farm's. It leads to public addresses only, unless the
 * operator allowed others. To be destroyed after use.
 * @throws FarmError `refused` for an address that is not public
 */
export function targetClient(target: OpenTarget, resolve?: LookupFunction): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey, allowPrivate } = target;
  const host = hostOf(new URL(endpoint));
  // An address needs no look-up, so that it is held against the rules here.
  if (!allowPrivate && isIP(host) !== 0 && !isPublicHost(host))
    throw new FarmError('refused', `${endpoint} is no public address.`);
  const options = {
    keepAlive: true,
    maxSockets: MOST_SOCKETS,
    ...(allowPrivate ? {} : { lookup: publicLookup(resolve) }),
  };
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: {
      httpAgent: new HttpAgent(options),
      httpsAgent: new HttpsAgent(options),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
    },
  });
}
