import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { STREAMS } from './streams.ts';

/**
 * Creates the streams that are missing and updates those that differ from the table. Safe to call from several
 * coordinators at once and again after the whole JetStream store was deleted.
 * @param replicas copies of each stream; 3 in a cluster of three servers.
 */
export async function reconcileStreams(connection: NatsConnection, replicas = 1): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of Object.values(STREAMS))
    await reconcile(manager, { ...stream, subjects: [...stream.subjects], num_replicas: replicas });
}

async function reconcile(
  manager: JetStreamManager,
  wanted: Pick<StreamConfig, 'name' | 'subjects'> & Partial<StreamConfig>,
): Promise<void> {
  let current: StreamConfig;
  try {
    current = (await manager.streams.info(wanted.name)).config;
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
    await manager.streams.add(wanted);
    return;
  }
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(current[key as keyof StreamConfig]) !== JSON.stringify(value),
  );
  if (differs) await manager.streams.update(wanted.name, wanted);
}

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
