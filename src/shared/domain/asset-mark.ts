import { createHash } from 'node:crypto';
import { rootReference } from './root-paths.ts';

/** First digits of an asset's SHA-256: by these heartbeats name assets, and dispatch finds the workers that have them. */
export const assetMark = (sha256: string): string => sha256.slice(0, 16);

/** The same for any scene: one on shared storage is told from others by its name. */
export function sceneMark(scene: { asset: string } | { root: string; path: string }): string {
  if ('asset' in scene) return assetMark(scene.asset);
  return assetMark(createHash('sha256').update(rootReference(scene)).digest('hex'));
}
