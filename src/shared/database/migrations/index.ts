import type { Migration } from 'kysely/migration';
import * as ledger from './0001-ledger.ts';
import * as dispatch from './0002-dispatch.ts';
import * as chosenSweeps from './0003-chosen-sweeps.ts';
import * as batches from './0004-batches.ts';
import * as engineDefinitions from './0005-engine-definitions.ts';
import * as templatePreviews from './0006-template-previews.ts';
import * as trustScripts from './0007-trust-scripts.ts';
import * as quality from './0008-quality.ts';
import * as deliveries from './0009-deliveries.ts';
import * as webhooks from './0010-webhooks.ts';
import * as previews from './0011-previews.ts';
import * as retention from './0012-retention.ts';
import * as storageRoots from './0013-storage-roots.ts';
import * as jobLists from './0014-job-lists.ts';
import * as failures from './0015-failures.ts';
import * as webhookPause from './0016-webhook-pause.ts';

/** Every migration by name, in order. A static index: no folder is scanned at run time. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-ledger': ledger,
  '0002-dispatch': dispatch,
  '0003-chosen-sweeps': chosenSweeps,
  '0004-batches': batches,
  '0005-engine-definitions': engineDefinitions,
  '0006-template-previews': templatePreviews,
  '0007-trust-scripts': trustScripts,
  '0008-quality': quality,
  '0009-deliveries': deliveries,
  '0010-webhooks': webhooks,
  '0011-previews': previews,
  '0012-retention': retention,
  '0013-storage-roots': storageRoots,
  '0014-job-lists': jobLists,
  '0015-failures': failures,
  '0016-webhook-pause': webhookPause,
};
