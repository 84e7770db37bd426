import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { AssetManifest } from '../../shared/contracts/manifest.ts';
import type { AssetStore } from '../ledger/asset-store.ts';
import type { ObjectStore } from './object-store.ts';
import { StoredScenes } from './stored-scenes.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('keeps its places when there is no room for a folder, however often', async () => {
  const manifest: AssetManifest = { version: 1, files: [{ path: 's.pov', size: 1, sha256: 'a'.repeat(64) }] };
  const assets: Pick<AssetStore, 'manifest'> = { manifest: () => Promise.resolve(manifest) };
  const objects: Pick<ObjectStore, 'read'> = { read: () => Promise.resolve(undefined) };
  const scenes = new StoredScenes(assets as AssetStore, objects as ObjectStore);
  const inspect = (): Promise<unknown> => scenes.inspect('a', 's.pov');
  for (const variable of ['TMPDIR', 'TMP', 'TEMP'])
    vi.stubEnv(variable, join(import.meta.dirname, 'no-such-folder'));
  for (let times = 0; times < 5; times++) await expect(inspect()).rejects.toThrow(/ENOENT/);
  vi.unstubAllEnvs();
  await expect(inspect()).rejects.toThrow(/"s\.pov" is no longer stored/);
});
