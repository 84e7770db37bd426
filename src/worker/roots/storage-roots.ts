import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageRoot } from '../../shared/contracts/storage-roots.ts';
import { prefixesOf, type RootSystem } from '../../shared/domain/root-paths.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { MovedFolder } from '../engines/engine.ts';
import type { Problems } from '../reporting/problems.ts';
import { checkMount } from './mount-check.ts';

/** Mounts come and go without a word. */
const LOOK_EVERY_MS = 5_000;
/** Whatever was missed of the farm's table is heard of within this time. */
const ASK_EVERY_MS = 60_000;
/** A worker that starts without the farm does not wait for it. */
const FIRST_ANSWER_MS = 1_500;

export interface StorageRootsParts {
  /** The farm's table; asks until there is an answer. */
  ask: (signal: AbortSignal) => Promise<StorageRoot[]>;
  /** Where roots lie on this machine, other than the farm's table says. */
  overrides: readonly { name: string; prefix: string }[];
  /** The kinds of paths that this machine knows, the best first. */
  systems: readonly RootSystem[];
  problems: Problems;
  log: Logger;
}

/** A root that this machine has mounted. */
export interface MountedRoot {
  name: string;
  prefix: string;
  /** The prefix without links. */
  real: string;
}

/** Shared storage: what the farm knows, and what of it is mounted here. */
export class StorageRoots {
  readonly #parts: StorageRootsParts;
  readonly #ended = new AbortController();
  #table: readonly StorageRoot[] = [];
  #mounted: ReadonlyMap<string, MountedRoot> = new Map();
  #onChange: () => void = () => undefined;
  #asking: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(parts: StorageRootsParts) {
    this.#parts = parts;
  }

  /** Resolves when what is mounted is known, or when the farm does not answer soon. */
  async start(onChange: () => void): Promise<void> {
    this.#timers.push(
      setInterval(() => void this.look(), LOOK_EVERY_MS),
      setInterval(() => void this.askAnew(), ASK_EVERY_MS),
    );
    for (const timer of this.#timers) timer.unref();
    await Promise.race([this.askAnew(), sleep(FIRST_ANSWER_MS, undefined, { ref: false })]);
    this.#onChange = onChange;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#ended.abort();
  }

  /** Names of the roots that are mounted here, in order. */
  names(): string[] {
    return [...this.#mounted.keys()].sort();
  }

  mounted(name: string): MountedRoot | undefined {
    return this.#mounted.get(name);
  }

  /** Where a root is looked for on this machine, for messages. */
  whereabouts(name: string): string {
    const root = this.#table.find((one) => one.name === name);
    if (!root) return 'the farm knows no such root';
    const candidates = this.#candidates(root);
    return candidates.length === 0
      ? 'it has no prefix for this system'
      : `looked for at ${candidates.join(', ')}`;
  }

  /** Where the prefixes of other systems lead to here, the longest first. */
  folders(): MovedFolder[] {
    const moved = this.#table.flatMap((root) => {
      const to = this.#mounted.get(root.name)?.prefix;
      if (to === undefined) return [];
      return [...new Set(prefixesOf(root))].filter((from) => from !== to).map((from) => ({ from, to }));
    });
    return moved.sort((a, b) => b.from.length - a.from.length);
  }

  /** Takes the farm's table anew. Never rejects. */
  async askAnew(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  /** Looks which roots are mounted now. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #ask(): Promise<void> {
    try {
      this.#table = await this.#parts.ask(this.#ended.signal);
    } catch (error) {
      if (!this.#ended.signal.aborted)
        this.#parts.log.error({ error: messageOf(error) }, 'the storage roots are not known');
      return;
    }
    // One that is under way has begun with the table of before.
    await this.#looking;
    await this.look();
  }

  async #look(): Promise<void> {
    const before = JSON.stringify([...this.#mounted]);
    const found = await Promise.all(this.#table.map((root) => this.#find(root)));
    this.#mounted = new Map(found.flatMap((root) => (root ? [[root.name, root]] : [])));
    for (const { name } of this.#parts.overrides)
      if (!this.#table.some((root) => root.name === name))
        this.#parts.problems.set(
          `root ${name}`,
          `FARMHAND_ROOTS names storage root ${name}, which the farm does not know.`,
        );
    if (JSON.stringify([...this.#mounted]) === before) return;
    this.#parts.log.info({ roots: this.names() }, 'the shared storage that is mounted here changed');
    this.#onChange();
  }

  async #find(root: StorageRoot): Promise<MountedRoot | undefined> {
    const { problems, overrides } = this.#parts;
    const reasons: string[] = [];
    for (const prefix of this.#candidates(root)) {
      const state = await checkMount(prefix);
      if (state.mounted) {
        problems.clear(`root ${root.name}`);
        return { name: root.name, prefix, real: state.real };
      }
      reasons.push(state.reason);
    }
    // Most machines of a farm mount some of its storage; only who says that it is there is wrong when it is not.
    if (overrides.some(({ name }) => name === root.name))
      problems.set(
        `root ${root.name}`,
        `Storage root ${root.name} of FARMHAND_ROOTS cannot be used: ${reasons.join('; ')}.`,
      );
    return undefined;
  }

  #candidates(root: StorageRoot): string[] {
    const override = this.#parts.overrides.find(({ name }) => name === root.name);
    if (override) return [override.prefix];
    return this.#parts.systems.flatMap((system) => root[system] ?? []);
  }
}
