import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { fetchScene } from '../assets/scene-tree.ts';
import type { FileCache } from '../assets/file-cache.ts';
import { isOnRoot } from '../roots/task-storage.ts';
import type { Attempt } from './attempt.ts';

/** Fetches the scene of a task that waits in hand, while the one before it is rendered. */
export class Prefetcher {
  readonly #cache: FileCache;
  readonly #log: Logger;

  constructor(cache: FileCache, log: Logger) {
    this.#cache = cache;
    this.#log = log;
  }

  /** Never rejects: when the task begins, whatever is missing is fetched again, and then counts. */
  fetch(attempt: Attempt): void {
    void this.#fetch(attempt);
  }

  async #fetch({ id, task, stopSignal }: Attempt): Promise<void> {
    if (!task.scene || isOnRoot(task.scene)) return;
    try {
      // The cache checks and keeps every file of it, as long as there is room.
      const scene = await fetchScene(task.scene, this.#cache, stopSignal);
      await scene.release();
    } catch (error) {
      this.#log.debug({ attempt: id, reason: messageOf(error) }, 'a scene could not be fetched ahead');
    }
  }
}
