import type { S3Client } from '@aws-sdk/client-s3';
import type { NatsConnection } from 'nats';
import type { InjectionToken } from 'tsyringe';
import type { CoordinatorEnvironment } from '../shared/config/environment.ts';
import type { Ledger } from '../shared/database/connect.ts';
import type { Logger } from '../shared/logging/logger.ts';

/** What a coordinator is made of that comes from outside the process. */
export interface Infrastructure {
  log: Logger;
  environment: CoordinatorEnvironment;
  coordinatorId: string;
  ledger: Ledger;
  nats: NatsConnection;
  s3: S3Client;
}

/** What a part of the container is built with. */
export interface Building extends Infrastructure {
  provide: <T>(token: InjectionToken<T>, make: () => T) => void;
  get: <T>(token: InjectionToken<T>) => T;
}
