import { Registry } from 'prom-client';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { createS3Client, type S3Settings } from '../../src/shared/storage/s3-client.ts';
import { FileCache } from '../../src/worker/assets/file-cache.ts';
import { ObjectStore } from '../../src/worker/object-store.ts';
import { Problems } from '../../src/worker/reporting/problems.ts';
import { WorkerMetrics } from '../../src/worker/telemetry/worker-metrics.ts';

/** What a process that fetches one file into a cache is told. */
export interface CacheUse {
  s3: S3Settings;
  folder: string;
  sha256: string;
  bytes: number;
}

// A worker's cache in a process of its own, which a test can kill.
const use = JSON.parse(process.argv[2] ?? '') as CacheUse;
const log = createLogger('cache-user', 'silent');
const metrics = new WorkerMetrics(new Registry());
const store = new ObjectStore(createS3Client(use.s3), use.s3.bucket, new Problems(log), metrics, log);
const cache = new FileCache(use.folder, store, 10_000_000_000, metrics);
await cache.load();
const size = { leastBytes: use.bytes, mostBytes: use.bytes };
await cache.acquire({ sha256: use.sha256, what: 'The file', size }, new AbortController().signal);
