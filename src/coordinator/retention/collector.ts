import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { NotLeaderError, type LeaderLease } from '../dispatch/leader-lease.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { binByRule } from './bin-by-rule.ts';
import { AssetCollector } from './collect-assets.ts';
import { collectResults } from './collect-results.ts';
import { collectTemplates } from './collect-templates.ts';
import { countStorage } from './count-storage.ts';
import { Eraser } from './eraser.ts';
import { noteAssets } from './named-assets.ts';
import { endPage, nextWalk, type Walk } from './walks.ts';

const EVERY_MS = 15_000;
/** Rules count in days. */
const RULES_EVERY_MS = 300_000;
const WALK_EVERY_SECONDS = 86_400;
const UPLOADS_EVERY_MS = 3_600_000;
const UPLOADS_GIVEN_UP_AFTER_MS = 7 * 86_400_000;
const JOBS_A_SLICE = 200;
const COUNTED_A_SLICE = 20;
/** It rests four times as long as it works: it is never what keeps the ledger or the store busy. */
const REST_ROUNDS = 4;
const LONGEST_REST_MS = 5_000;

/**
 * Removes what nobody needs: jobs whose time in the bin is over, and objects that nobody can reach. Leader only, one slice a
 * round, with rests between them.
 */
export class Collector {
  readonly #lease: LeaderLease;
  readonly #announcer: Announcer;
  readonly #bucket: Bucket;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #eraser: Eraser;
  readonly #assets: AssetCollector;
  readonly #loop: BackgroundLoop;
  #uploadsAt = 0;
  #rulesAt = 0;

  constructor(
    parts: { lease: LeaderLease; announcer: Announcer; wakeUps: WakeUps; bucket: Bucket },
    ledger: Ledger,
    log: Logger,
  ) {
    this.#lease = parts.lease;
    this.#announcer = parts.announcer;
    this.#bucket = parts.bucket;
    this.#ledger = ledger;
    this.#log = log;
    this.#eraser = new Eraser(parts, ledger, log);
    this.#assets = new AssetCollector(parts, ledger);
    this.#loop = new BackgroundLoop({
      name: 'collector',
      wakeUp: parts.wakeUps.collector,
      intervalMs: EVERY_MS,
      round: () => this.#round(),
      restMs: (tookMs) => Math.min(LONGEST_REST_MS, REST_ROUNDS * tookMs),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** @returns whether there may be more to do at once. */
  async #round(): Promise<boolean> {
    if (!this.#lease.isLeader()) return false;
    try {
      const noted = await noteAssets(this.#ledger, JOBS_A_SLICE);
      const counted = await countStorage(this.#ledger, COUNTED_A_SLICE);
      const binned = await this.#binByRule();
      const erased = await this.#eraser.slice();
      await this.#abortUploads();
      const walked = await this.#walk();
      return noted === JOBS_A_SLICE || counted === COUNTED_A_SLICE || binned.length > 0 || erased || walked;
    } catch (error) {
      if (error instanceof NotLeaderError) return false;
      throw error;
    }
  }

  /** @returns ids of the jobs that went into the bin; where there were some, there may be more at once. */
  async #binByRule(): Promise<string[]> {
    if (performance.now() < this.#rulesAt) return [];
    const binned = await binByRule(this.#lease, this.#ledger);
    for (const jobId of binned) this.#announcer.announce(jobId, null);
    if (binned.length === 0) this.#rulesAt = performance.now() + RULES_EVERY_MS;
    return binned;
  }

  /** @returns whether there was something to walk. */
  async #walk(): Promise<boolean> {
    let walk = await nextWalk(this.#ledger, WALK_EVERY_SECONDS);
    if (walk?.area === 'assets') {
      if (!(await this.#assets.prepare(walk))) {
        walk = await nextWalk(this.#ledger, WALK_EVERY_SECONDS, 'assets');
        if (!walk) return true;
      } else if (walk.cursor === null) await this.#collectTemplates();
    }
    if (!walk) return false;
    await this.#page(walk);
    return true;
  }

  async #page(walk: Walk): Promise<void> {
    const page =
      walk.area === 'assets'
        ? await this.#assets.page(walk)
        : await collectResults(this.#bucket, this.#ledger, walk);
    await endPage(this.#ledger, walk, page);
    if (page.error !== undefined)
      this.#log.warn({ area: walk.area, error: page.error }, 'objects could not be removed');
    const { removedObjects: objects, removedBytes: bytes } = page.found;
    if (objects > 0)
      this.#log.info({ area: walk.area, objects, bytes }, 'objects that nothing points to were removed');
  }

  async #collectTemplates(): Promise<void> {
    const templates = await collectTemplates(this.#lease, this.#ledger);
    if (templates.length > 0) this.#log.info({ templates }, 'old versions of templates were removed');
  }

  /** What nobody finishes would lie in the store for ever, in no list of objects. */
  async #abortUploads(): Promise<void> {
    if (performance.now() < this.#uploadsAt) return;
    this.#uploadsAt = performance.now() + UPLOADS_EVERY_MS;
    const aborted = await this.#bucket.abortUploads(new Date(Date.now() - UPLOADS_GIVEN_UP_AFTER_MS));
    if (aborted > 0) this.#log.info({ uploads: aborted }, 'uploads that nobody finished were given up');
  }
}
