import { messageOf } from '../shared/domain/errors.ts';
import { shippedEngines } from './engines/index.ts';
import { startWorker } from './start-worker.ts';

try {
  await startWorker(process.env, shippedEngines());
} catch (error) {
  process.stderr.write(`The worker cannot start: ${messageOf(error)}\n`);
  process.exit(1);
}
