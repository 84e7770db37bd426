import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import { isId } from '../../shared/domain/ids.ts';
import { newId } from '../../shared/domain/new-id.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples');

const exampleSchema = z.strictObject({
  name: z.string().refine(isId),
  /** Engines without which the example makes no sense, and those that make its video. */
  engines: z.array(z.string()).min(1),
  /** Path of a job document, relative to the folder of examples. */
  document: z.string(),
});
export type Example = z.infer<typeof exampleSchema>;
const demoSchema = z.strictObject({ examples: z.array(exampleSchema).min(1) });

/** The examples of examples/demo.json, with `document` as an absolute path. */
export async function loadExamples(folder = EXAMPLES): Promise<Example[]> {
  const what = join(folder, 'demo.json');
  const { examples } = parseWith(demoSchema, decodeJson(await readFile(what), { what }), what);
  return examples.map((example) => ({ ...example, document: join(folder, example.document) }));
}

/** The engine that turns frames into a video; an example without it still has its frames. */
export const VIDEO_ENGINE = 'ffmpeg';

export interface ExamplePlan {
  run: Example[];
  /** Examples whose engine no worker has. */
  skipped: { name: string; missing: string[] }[];
  /** Whether videos are left out. */
  noVideo: boolean;
}

/** @param available ids of the engines that workers have. */
export function planExamples(examples: readonly Example[], available: ReadonlySet<string>): ExamplePlan {
  const plan: ExamplePlan = { run: [], skipped: [], noVideo: !available.has(VIDEO_ENGINE) };
  for (const example of examples) {
    const missing = example.engines.filter((engine) => engine !== VIDEO_ENGINE && !available.has(engine));
    if (missing.length === 0) plan.run.push(example);
    else plan.skipped.push({ name: example.name, missing });
  }
  return plan;
}

interface Steps {
  steps?: { engine: string }[];
}

/**
 * The document as it is submitted: with an id of its own, because each demo is a new job, and without the steps that make
 * a video where no worker can.
 */
export function demoDocument(document: object, noVideo: boolean): object {
  const { steps } = document as Steps;
  const kept = noVideo && steps !== undefined ? steps.filter(({ engine }) => engine !== VIDEO_ENGINE) : steps;
  return { ...document, id: newId('demo-'), ...(kept === undefined ? {} : { steps: kept }) };
}
