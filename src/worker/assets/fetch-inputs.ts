import { mkdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { InputSource } from '../../shared/contracts/job-document.ts';
import type { InputsReply, TaskMessage } from '../../shared/contracts/messages.ts';
import { padFrame } from '../../shared/domain/frame-ranges.ts';
import { EngineFailure, type FrameRequest } from '../engines/engine.ts';
import { isNotFound, type ObjectStore } from '../object-store.ts';
import { settleAll } from './settle-all.ts';

const PAGE = 1_000;
const FETCH_AT_ONCE = 16;

type InputPage = Extract<InputsReply, { files: unknown }>;
/** Asks a coordinator for a page of a step's accepted frames; waits until it is answered. */
export type AskInputs = (source: InputSource, after: number | null, limit: number) => Promise<InputPage>;

type StepFrames = FrameRequest['inputs'][string];
/** Inputs by name: their files, ascending by frame, and the frames of their steps that have no result. */
export type FetchedInputs = Pick<FrameRequest, 'inputs' | 'missing'>;

/**
 * Brings the frames of other steps here, as `<folder>/<input>/<frame>.<ext>`, checked by their SHA-256.
 * @param wanted which frames; null for all. A step that has only one gives that one in any case.
 * @throws EngineFailure `missing-asset`; the signal's reason
 */
export async function fetchInputs(
  inputs: TaskMessage['inputs'],
  { folder, wanted }: { folder: string; wanted: ReadonlySet<number> | null },
  ask: AskInputs,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<FetchedInputs> {
  const result: FetchedInputs = { inputs: {}, missing: {} };
  for (const [name, source] of Object.entries(inputs)) {
    await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    const place = { folder: join(folder, name), wanted };
    const { files, missing } = await fetchStep(source, place, ask, store, signal);
    result.inputs[name] = files;
    result.missing[name] = missing;
  }
  return result;
}

async function fetchStep(
  source: InputSource,
  { folder, wanted }: { folder: string; wanted: ReadonlySet<number> | null },
  ask: AskInputs,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ files: StepFrames; missing: number[] }> {
  const files: StepFrames = [];
  const missing: number[] = [];
  const what =
    source.job === undefined ? `step "${source.step}"` : `step "${source.step}" of job ${source.job}`;
  let after: number | null = null;
  for (let more = true; more;) {
    const page: InputPage = await ask(source, after, PAGE);
    missing.push(...(page.missing ?? []));
    const isOnly = after === null && !page.more && page.files.length === 1;
    const needed = page.files.filter(({ frame }) => wanted === null || isOnly || wanted.has(frame));
    const wantedFiles = needed.map((file) => {
      const path = join(folder, `${padFrame(file.frame, 8)}${extname(file.key)}`);
      files.push({ frame: file.frame, path });
      return { ...file, path };
    });
    await settleAll(wantedFiles, FETCH_AT_ONCE, (file) => fetchFile(file, what, store, signal));
    after = page.files.at(-1)?.frame ?? null;
    more = page.more && after !== null;
  }
  if (files.length > 0) return { files, missing };
  const which = wanted === null ? 'no frames' : `none of the frames ${[...wanted].slice(0, 10).join(', ')}`;
  throw new EngineFailure('missing-asset', `The ${what} has ${which} to take as input.`);
}

async function fetchFile(
  file: { frame: number; key: string; sha256: string; path: string },
  ofStep: string,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  const what = `Frame ${file.frame} of ${ofStep}`;
  let found: string;
  try {
    found = await store.download(file.key, file.path, signal);
  } catch (error) {
    if (isNotFound(error))
      throw new EngineFailure('missing-asset', `${what} is not in the storage.`, { cause: error });
    throw error;
  }
  if (found !== file.sha256)
    throw new EngineFailure('missing-asset', `${what} is damaged in the storage: its SHA-256 is ${found}.`);
}
