import {
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_DEPTH,
  MAX_STEPS,
  jobDocumentSchema,
  type JobDocument,
} from '../../shared/contracts/job-document.ts';
import { decodeJson, parseWith } from '../../shared/contracts/decode.ts';
import type { QualityPolicy } from '../../shared/contracts/quality.ts';
import { InvalidInputError, type InputIssue } from '../../shared/domain/errors.ts';
import { isId } from '../../shared/domain/ids.ts';
import { MAX_FRAMES } from '../../shared/domain/frame-ranges.ts';
import { checkGraph } from './check-graph.ts';
import { documentSha256 } from './document-hash.ts';
import { draftSteps } from './draft-steps.ts';
import type { PlannedJob, PlannedStep } from './job-plan.ts';
import { checkAgainstEngine, engineOf, needsOf, planStep } from './plan-step.ts';
import type { SceneResolver } from './resolve-scene.ts';
import { DEFAULT_PROJECT } from '../../shared/contracts/job-document.ts';
import { checkFrameDependencies, jobDependencies, otherJobs } from './dependency-checks.ts';
import type { FarmReferences } from './farm-references.ts';

const WHAT = 'The job document';

/**
 * Bytes that may come from anybody → a document of the right form.
 * @throws FarmError `too-large`; InvalidInputError with every issue.
 */
export function decodeDocument(bytes: Uint8Array): JobDocument {
  const value = decodeJson(bytes, {
    what: WHAT,
    maxBytes: MAX_DOCUMENT_BYTES,
    maxDepth: MAX_DOCUMENT_DEPTH,
  });
  return parseWith(jobDocumentSchema, value, WHAT);
}

/** The id that a document brings, if it can be read at all: where a refusal can be said. */
export function documentId(bytes: Uint8Array): string | undefined {
  try {
    const value = decodeJson(bytes, { what: WHAT, maxBytes: MAX_DOCUMENT_BYTES });
    const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
    return typeof id === 'string' && isId(id) ? id : undefined;
  } catch {
    return undefined; // unreadable: the caller reports that from the decoding itself
  }
}

/** What a plan takes from beside the document. */
export interface PlanSources {
  scenes: SceneResolver;
  references: FarmReferences;
  /** How results are judged where neither template nor job says. */
  quality: QualityPolicy;
}

/**
 * Checks what a schema cannot: engines, scenes, dependencies, frames, settings and names of files.
 * @throws InvalidInputError with every issue at once; FarmError `unavailable` when Postgres or S3 does not answer.
 */
export async function planJob(
  document: JobDocument,
  { scenes, references, quality }: PlanSources,
): Promise<PlannedJob> {
  const issues: InputIssue[] = [];
  const drafts = draftSteps(document, issues);
  const order = checkGraph(drafts, issues);
  await references.checkLicences(drafts, issues);
  await references.checkRoots(drafts, issues);
  await references.checkWebhooks(document.webhooks ?? [], issues);
  const waitsForJobs = jobDependencies(document, issues);
  await references.checkJobs([...waitsForJobs, ...drafts.flatMap(otherJobs)], document.id, issues);
  const versionOf = await references.versionsFor(document.project ?? DEFAULT_PROJECT);
  const planned = new Map<string, PlannedStep & { position: number }>();
  for (const [position, step] of drafts.entries()) {
    const engine = engineOf(step, issues);
    if (!engine) continue;
    checkAgainstEngine(step, engine, issues);
    const resolved = await scenes.resolve(step, issues);
    const needs = needsOf(step);
    const { range, exact } = versionOf(engine.id, { ...needs, range: step.requires?.engineVersion });
    const options = {
      // Out of order, what each frame builds on would not be there yet.
      preview: document.preview !== undefined && step.chunk !== 'sequential',
      requires: { ...needs, engineVersion: range },
      engineVersion: exact,
      quality: { farm: quality, job: document.quality },
    };
    planned.set(step.name, { ...planStep(step, engine, resolved, drafts, options, issues), position });
  }
  checkFrameDependencies(drafts, issues);
  checkSizes([...planned.values()], issues);
  if (issues.length > 0) throw new InvalidInputError(WHAT, issues.slice(0, 50));
  const steps = order.flatMap((name) => planned.get(name) ?? []);
  return {
    document,
    documentSha256: documentSha256(document),
    waitsForJobs: [...new Set(waitsForJobs.map(({ job }) => job))],
    steps,
  };
}

function checkSizes(steps: readonly PlannedStep[], issues: InputIssue[]): void {
  const total = steps.reduce((sum, step) => sum + step.frameTotal, 0);
  if (total > MAX_FRAMES)
    issues.push({
      path: 'steps',
      value: `${total.toLocaleString('en')} frames`,
      expected: `at most ${MAX_FRAMES.toLocaleString('en')} frames and ${MAX_STEPS.toLocaleString('en')} steps in a job`,
    });
}
