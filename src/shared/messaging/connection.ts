import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import type { Logger } from 'pino';
import { inboxPrefix, type Role } from './permissions.ts';

/** A process that waits says so after this. */
const UNANSWERED_MS = 5_000;

export interface NatsSettings {
  url: string;
  user: string;
  password: string;
}

/**
 * Connects as one role and never gives up: a farm whose NATS restarts goes on where it was.
 * Waits for the first connection, too. `name` shows in the server's monitoring.
 */
export async function connectNats(
  settings: NatsSettings,
  role: Role,
  name: string,
  log: Logger,
): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: settings.url.split(','),
    user: settings.user,
    pass: settings.password,
    name,
    inboxPrefix: role === 'operator' ? '_INBOX' : inboxPrefix(role),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    // A connection that hangs in a dead link is given up soon, or the next try would wait 20 s for a link that is back.
    timeout: 5_000,
    reconnectTimeWait: 500,
    reconnectJitter: 250,
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
  const unanswered = setTimeout(() => {
    log.warn('NATS does not answer, or refuses the user and password of this process; waiting for it');
  }, UNANSWERED_MS);
  const connection = await connect(options);
  clearTimeout(unanswered);
  void logStatus(connection, log);
  return connection;
}

async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') log.warn('NATS is away; waiting for it');
    else if (status.type === 'reconnect') log.info('NATS is back');
    else if (status.type === 'error') log.error({ error: status.error.message }, 'NATS reports an error');
  }
}
