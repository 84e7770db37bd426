import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { layOutScene } from '../assets/scene-tree.ts';
import type { FileCache } from '../assets/file-cache.ts';
import { join } from 'node:path';
import type { Attempt } from './attempt.ts';

/** Fetches the scene of a task that waits in hand, while the one before it is rendered. */
export class Prefetcher {
  readonly #folder: string;
  readonly #cache: FileCache;
  readonly #log: Logger;

  /** @param folder for what is laid out for a moment. */
  constructor(folder: string, cache: FileCache, log: Logger) {
    this.#folder = folder;
    this.#cache = cache;
    this.#log = log;
  }

  /** Never rejects: when the task begins, whatever is missing is fetched again, and then counts. */
  fetch(attempt: Attempt): void {
    void this.#fetch(attempt);
  }

  async #fetch({ id, task, stopSignal }: Attempt): Promise<void> {
    if (!task.scene) return;
    try {
      // Laid out once, so that the cache checks and keeps every file of it, and taken away again.
      const tree = await layOutScene(task.scene, join(this.#folder, `ahead-${id}`), this.#cache, stopSignal);
      await tree.dispose();
    } catch (error) {
      this.#log.debug({ attempt: id, reason: messageOf(error) }, 'a scene could not be fetched ahead');
    }
  }
}
