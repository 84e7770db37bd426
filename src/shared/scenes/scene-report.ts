import type { SceneReport } from '../contracts/inspect-api.ts';
import { sceneReportSchema } from '../contracts/inspect-api.ts';
import type { SceneInspection } from './scene-inspection.ts';

/** An engine of the farm and the versions that its workers have. */
interface OfferedEngine {
  id: string;
  versions: readonly { version: string }[];
}

/** What of an inspection is told to others. @param engines of the farm, where one was asked */
export function reportOf(inspection: SceneInspection, engines: readonly OfferedEngine[] = []): SceneReport {
  const newer = newerThanWorkers(inspection, engines);
  const warnings = newer === undefined ? inspection.warnings : [...inspection.warnings, newer];
  return sceneReportSchema.parse({ ...inspection, warnings });
}

/** A warning about a scene that was made with a newer version than any worker has; only Blender writes such versions. */
export function newerThanWorkers(
  { engine, madeWith }: { engine: string; madeWith: string | null },
  engines: readonly OfferedEngine[],
): string | undefined {
  const versions = engines.find(({ id }) => id === engine)?.versions.map(({ version }) => version) ?? [];
  if (engine !== 'blender' || madeWith === null || versions.length === 0) return undefined;
  if (versions.some((version) => compare(version, madeWith) >= 0)) return undefined;
  return `it was made with Blender ${madeWith}, and the farm has ${versions.join(', ')}: what those do not know is lost`;
}

/** By major and minor version. */
function compare(a: string, b: string): number {
  const [[a1 = 0, a2 = 0], [b1 = 0, b2 = 0]] = [a.split('.').map(Number), b.split('.').map(Number)];
  return a1 - b1 || a2 - b2;
}
