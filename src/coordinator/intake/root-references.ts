import { isSafePath } from '../../shared/contracts/manifest.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { parseRootReference } from '../../shared/domain/root-paths.ts';
import { describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import type { DraftStep } from './job-plan.ts';

const MOST_NAMED = 10;

interface NamedRoot {
  root: string;
  /** Where it is named in the document. */
  path: string;
}

/** Shared storage that a step needs, each once: what it asks for, and what its scene and its settings lie on. */
export function rootsOf(step: DraftStep): NamedRoot[] {
  const asked = (step.requires?.roots ?? []).map((root, index) => ({
    root,
    path: `${step.path}requires.roots[${index}]`,
  }));
  const files = rootFilesOf(step).map(({ root, at }) => ({ root, path: at }));
  return [...new Map([...files, ...asked].map((named) => [named.root, named])).values()];
}

/** Files on shared storage that a step names. */
function rootFilesOf(step: DraftStep): { root: string; path: string; at: string }[] {
  const settings = describeEngine(step.engine)?.fileSettings ?? [];
  const named: [unknown, string][] = [
    [step.scene, `${step.path}scene`],
    ...settings.map((name): [unknown, string] => [step.settings?.[name], `${step.path}settings.${name}`]),
  ];
  return named.flatMap(([text, at]) => {
    const file = typeof text === 'string' ? parseRootReference(text) : undefined;
    return file ? [{ ...file, at }] : [];
  });
}

/** Roots that the farm does not know, and paths that would lead out of one. The files themselves only workers see. */
export async function checkRoots(
  ledger: Ledger,
  steps: readonly DraftStep[],
  issues: InputIssue[],
): Promise<void> {
  for (const { path, at } of steps.flatMap(rootFilesOf))
    if (!isSafePath(path))
      issues.push({
        path: at,
        value: describeValue(path),
        expected: 'a path below the root, with "/" and without ".."',
      });
  const needed = steps.flatMap(rootsOf);
  if (needed.length === 0) return;
  const rows = await ledger.selectFrom('storage_roots').select('name').orderBy('name').execute();
  const names = rows.map(({ name }) => name);
  const there = names.slice(0, MOST_NAMED).join(', ') || 'there is none yet';
  for (const { root, path } of needed)
    if (!names.includes(root))
      issues.push({
        path,
        value: describeValue(root),
        expected: `shared storage of this farm (${there}); make it known with: farmhand roots add ${root} --linux /mnt/${root}`,
      });
}
