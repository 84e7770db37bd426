import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { PreviewDoneRequest, PreviewFrame, PreviewReply } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { contentTypeOf } from '../../shared/quality/file-formats.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { stepPreviewKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from '../object-store.ts';
import type { FarmAsks } from '../reporting/farm-asks.ts';
import type { Size } from './helper-requests.ts';
import { addSlates, makeContactSheet, makeProxy, proxyPicture, type ShownFrame } from './preview-files.ts';
import type { PreviewHelper } from './preview-helper.ts';

const SHEET_WIDTH = 160;
const PROXY_WIDTH = 640;
/** Pictures are fetched so many ahead of what is made of them. */
const FETCH_AT_ONCE = 8;
/** Somebody waits for it; the farm gives the order again. */
const MOST_MS = 1_800_000;

type Plan = Extract<PreviewReply, { frames: unknown }>;
type Outcome = PreviewDoneRequest['outcome'];

export interface PreviewMakerParts {
  /** Its own, for scratch. */
  folder: string;
  asks: Pick<FarmAsks, 'preview' | 'previewDone'>;
  store: ObjectStore;
  helper: PreviewHelper;
  /** FFmpeg of this machine. */
  ffmpeg: () => string | undefined;
  log: Logger;
}

/** Makes contact sheets and proxy videos that coordinators order, one at a time, beside the work and at the lowest priority. */
export class PreviewMaker {
  readonly #parts: PreviewMakerParts;
  readonly #stopping = new AbortController();
  #interrupted = new AbortController();
  #making: Promise<void> | undefined;

  constructor(parts: PreviewMakerParts) {
    this.#parts = parts;
  }

  /** While it is at one, another is not answered: the farm gives that order to somebody else. */
  take(order: string): void {
    if (this.#making || this.#stopping.signal.aborted) return;
    this.#making = this.#make(order).finally(() => {
      this.#making = undefined;
    });
  }

  /** Gives up what it is at: the machine is wanted back. */
  interrupt(reason: string): void {
    this.#interrupted.abort(new Error(reason));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the worker stops'));
    // What is being made waits for it.
    await this.#parts.helper.stop();
    await this.#making;
  }

  async #make(order: string): Promise<void> {
    const { asks, log } = this.#parts;
    this.#interrupted = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(MOST_MS)]);
    try {
      const plan = await this.#plan(order, signal);
      if (!plan) return;
      const outcome = await this.#outcome(plan, AbortSignal.any([signal, this.#interrupted.signal]));
      await asks.previewDone({ version: 1, order, outcome }, signal);
    } catch (error) {
      // Whoever ordered it misses it, and orders it again.
      log.warn({ order, reason: messageOf(error) }, 'a preview was given up');
    }
  }

  /** @returns undefined when nobody waits for it any more */
  async #plan(order: string, signal: AbortSignal): Promise<Plan | undefined> {
    const frames: PreviewFrame[] = [];
    for (let after: number | null = null; ;) {
      const page = await this.#parts.asks.preview({ version: 1, order, after }, signal);
      if ('gone' in page) return undefined;
      frames.push(...page.frames);
      const last = page.frames.at(-1)?.frame;
      if (!page.more || last === undefined) return { ...page, frames };
      after = last;
    }
  }

  async #outcome(plan: Plan, signal: AbortSignal): Promise<Outcome> {
    await mkdir(this.#parts.folder, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(this.#parts.folder, 'preview-'));
    try {
      return await this.#build(plan, folder, signal);
    } catch (error) {
      return { error: messageOf(error).slice(0, 2_000) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #build(plan: Plan, folder: string, signal: AbortSignal): Promise<Outcome> {
    const { helper, store } = this.#parts;
    const { jobId, step, kind } = plan;
    const wanted = kind === 'proxy' ? betweenResults(plan.frames) : plan.frames;
    const { frames, size } = await this.#pictures(kind, wanted, folder, signal);
    const shown = frames.filter(({ picture }) => picture !== null).length;
    const path =
      kind === 'proxy'
        ? await this.#proxy(frames, size, plan.fps, folder, signal)
        : await makeContactSheet(frames, size, folder, helper, signal);
    const file = { path, ...(await hashFile(path)) };
    const extension = extname(path).slice(1);
    const key = stepPreviewKey({ jobId, step, kind, sha256: file.sha256, extension });
    await store.put(key, file, contentTypeOf(path), signal);
    return { key, bytes: file.bytes, sha256: file.sha256, frames: shown };
  }

  async #proxy(
    frames: readonly ShownFrame[],
    size: Size | null,
    fps: number,
    folder: string,
    signal: AbortSignal,
  ): Promise<string> {
    const { helper, ffmpeg } = this.#parts;
    const program = ffmpeg();
    if (program === undefined) throw new Error('This worker has no FFmpeg.');
    if (size === null) throw new Error('None of the frames has a picture that can be shown.');
    await addSlates(frames, size, folder, helper, signal);
    return makeProxy(folder, fps, program, signal);
  }

  /** Fetches pictures and makes them small, some at a time, so that the disk holds only a few large ones. */
  async #pictures(
    kind: Plan['kind'],
    wanted: readonly PreviewFrame[],
    folder: string,
    signal: AbortSignal,
  ): Promise<{ frames: ShownFrame[]; size: Size | null }> {
    const frames: ShownFrame[] = [];
    let size: Size | null = null;
    for (let at = 0; at < wanted.length; at += FETCH_AT_ONCE) {
      const fetched = await Promise.all(
        wanted.slice(at, at + FETCH_AT_ONCE).map((frame) => this.#fetch(frame, folder, signal)),
      );
      for (const { frame, original } of fetched) {
        const to = proxyPicture(folder, frames.length);
        const made: Size | null =
          original === null ? null : await this.#shrink(original, to, { kind, size }, signal);
        size ??= made;
        if (original !== null) await rm(original, { force: true });
        frames.push({ ...frame, picture: made === null ? null : to });
      }
    }
    return { frames, size };
  }

  /** A picture that is not there any more, or no longer whole, is shown as missing. */
  async #fetch(
    frame: PreviewFrame,
    folder: string,
    signal: AbortSignal,
  ): Promise<{ frame: PreviewFrame; original: string | null }> {
    if (frame.key === null) return { frame, original: null };
    const original = join(folder, `original-${frame.frame}${extname(frame.key)}`);
    try {
      await this.#parts.store.download(frame.key, original, signal);
      return { frame, original };
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.log.info({ key: frame.key, reason: messageOf(error) }, 'a preview is short of a picture');
      return { frame, original: null };
    }
  }

  /** All pictures have the size of the first one; a video's sides are even. */
  async #shrink(
    from: string,
    to: string,
    { kind, size }: { kind: Plan['kind']; size: Size | null },
    signal: AbortSignal,
  ): Promise<Size | null> {
    const { helper, log } = this.#parts;
    const most = kind === 'proxy' ? PROXY_WIDTH : SHEET_WIDTH;
    try {
      if (size) return await helper.ask({ do: 'shrink', from, to, ...size, fit: 'contain' }, signal);
      const box = { width: most, height: most, fit: 'inside' } as const;
      const first = await helper.ask({ do: 'shrink', from, to, ...box }, signal);
      const even = { width: first.width + (first.width % 2), height: first.height + (first.height % 2) };
      if (kind !== 'proxy' || (even.width === first.width && even.height === first.height)) return first;
      return await helper.ask({ do: 'shrink', from, to, ...even, fit: 'contain' }, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.info({ from, reason: messageOf(error) }, 'a picture cannot be shown in a preview');
      return null;
    }
  }
}

/** A video of a job that runs ends with its last result; what is still open before that is a gap in it. */
function betweenResults(frames: readonly PreviewFrame[]): readonly PreviewFrame[] {
  const has = ({ key }: PreviewFrame): boolean => key !== null;
  const isOpen = frames.some(({ state }) => ['waiting', 'ready', 'queued', 'running'].includes(state));
  return isOpen ? frames.slice(frames.findIndex(has), frames.findLastIndex(has) + 1) : frames;
}
