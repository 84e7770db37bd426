import { CreateBucketCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { coordinatorEnvironment, readEnvironment } from '../src/shared/config/environment.ts';
import { connectLedger } from '../src/shared/database/connect.ts';
import { migrateLedger } from '../src/shared/database/migrate.ts';
import { createLogger } from '../src/shared/logging/logger.ts';
import { createS3Client } from '../src/shared/storage/s3-client.ts';

/**
 * Run before the coordinator of a new version: brings the ledger to this version's schema and makes the bucket. Reads the
 * coordinator's environment. Does nothing when both are there; several may run at once (the migrations take a lock).
 */
async function prepare(): Promise<void> {
  const environment = readEnvironment(coordinatorEnvironment, process.env);
  const log = createLogger('prepare', environment.FARMHAND_LOG_LEVEL);
  const ledger = connectLedger(environment.DATABASE_URL, log, 1);
  const s3 = createS3Client({
    endpoint: environment.S3_ENDPOINT,
    bucket: environment.S3_BUCKET,
    region: environment.AWS_REGION,
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  });
  try {
    const migrations = await migrateLedger(ledger);
    log.info(
      { migrations },
      migrations.length === 0 ? 'the ledger is up to date' : 'the ledger was migrated',
    );
    const made = await makeBucket(s3, environment.S3_BUCKET);
    log.info({ bucket: environment.S3_BUCKET }, made ? 'the bucket was made' : 'the bucket is there');
  } finally {
    await ledger.destroy();
    s3.destroy();
  }
}

/** @returns whether it had to be made. */
async function makeBucket(s3: S3Client, bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
    return false;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NotFound')) throw error;
  }
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return true;
}

await prepare();
