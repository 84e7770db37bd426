import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';

/** A new secret: 32 random bytes in base64 after `whsec_`, as Standard Webhooks asks for (standardwebhooks.com). */
export function newSecret(): string {
  return PREFIX + randomBytes(32).toString('base64');
}

export interface SignedMessage {
  /** The event's id. */
  id: string;
  /** Unix seconds of this try. */
  timestamp: number;
  body: string;
}

/**
 * The headers of Standard Webhooks 1.0: HMAC-SHA256 of `id.timestamp.body`.
 * @param secrets one, or two while an older one still counts: receivers accept any signature that fits.
 */
export function signatureHeaders(
  { id, timestamp, body }: SignedMessage,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
