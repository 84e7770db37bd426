import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FarmClient } from '../../src/cli/support/farm-client.ts';
import { uploadAsset } from '../../src/cli/support/upload.ts';
import type { Problem } from '../../src/shared/contracts/api.ts';
import type { SceneReport } from '../../src/shared/contracts/inspect-api.ts';
import { ByteSource } from '../../src/shared/scenes/byte-source.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const BLENDS = join(import.meta.dirname, '../fixtures/blend');

let context: TestContext;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

async function upload(folder: string, paths: readonly string[], origin?: string): Promise<string> {
  const client = new FarmClient({ url: gateway.url, token: gateway.token });
  const files = paths.map((path) => ({ path, file: join(folder, path) }));
  const { signal } = new AbortController();
  return await uploadAsset(files, {
    client,
    signal,
    label: 'test',
    cacheFolder: join(context.folder, 'cache'),
    origin,
  });
}

/** An uncompressed .blend with another path in one of its fields. */
async function blendWithPath(name: string, from: string, to: string): Promise<Buffer> {
  const source = await ByteSource.open(join(BLENDS, name), 1e9);
  const parts: Buffer[] = [];
  try {
    for (;;) parts.push(await source.take(1));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the end
  }
  const bytes = Buffer.concat(parts);
  bytes.write(`${to}\0`, bytes.indexOf(`${from}\0`), 'utf8');
  return bytes;
}

describe('POST /api/inspect', () => {
  it('says what an uploaded scene has and needs, from packs and from files of their own', async () => {
    const folder = join(context.folder, 'scene');
    await cp(BLENDS, folder, { recursive: true });
    await mkdir(join(folder, 'cache_fluid'));
    // Too large for a pack, and nothing that has to be read.
    await writeFile(join(folder, 'cache_fluid/fluid.vdb'), Buffer.alloc(200_000, 7));
    const paths = [
      'scene-5.0.blend',
      'library.blend',
      'textures/grid.png',
      'details.blend',
      'cache_fluid/fluid.vdb',
    ];
    const asset = await upload(folder, paths);
    const scene = await gateway.post<SceneReport>('/api/inspect', 200, { asset, scene: 'scene-5.0.blend' });
    expect(scene).toMatchObject({
      engine: 'blender',
      madeWith: '5.0',
      frames: '3-17',
      fps: 29.97,
      width: 320,
    });
    expect(scene.files.map((file) => file.path).sort()).toEqual([
      ...['library.blend', 'scene-5.0.blend', 'textures/grid.png'],
    ]);
    expect(scene.missing).toEqual(['textures/missing.png (named in scene-5.0.blend)']);
    const details = await gateway.post<SceneReport>('/api/inspect', 200, { asset, scene: 'details.blend' });
    expect(details.files).toContainEqual({ path: 'cache_fluid/fluid.vdb', bytes: 200_000 });
    expect(details).toMatchObject({ cameras: ['Close', 'Wide'], slots: [{ name: 'Title', kind: 'text' }] });
    expect(details.warnings[0]).toContain('startup.py');
  });

  it('reads files that are too large for a pack, and refuses what is no scene', async () => {
    const folder = join(context.folder, 'large');
    await mkdir(folder);
    await writeFile(
      join(folder, 'a.pov'),
      `#include "b.inc"\n${'// long\n'.repeat(40_000)}#include "gone.inc"`,
    );
    await writeFile(join(folder, 'b.inc'), '#ifndef (Tilt) #declare Tilt = 1; #end');
    await writeFile(join(folder, 'no.blend'), 'no');
    const asset = await upload(folder, ['a.pov', 'b.inc', 'no.blend']);
    const scene = await gateway.post<SceneReport>('/api/inspect', 200, { asset, scene: 'a.pov' });
    expect(scene.missing).toEqual(['gone.inc (named in a.pov)']);
    expect(scene.slots).toEqual([{ name: 'Tilt', kind: 'number' }]);
    const refused = await gateway.post<Problem>('/api/inspect', 400, { asset, scene: 'no.blend' });
    expect(refused.detail).toContain('no.blend cannot be read as a .blend');
  });

  it('knows where absolute paths lead in what was uploaded', async () => {
    const folder = join(context.folder, 'moved');
    await mkdir(join(folder, 'shots'), { recursive: true });
    const blend = await blendWithPath('details.blend', '//points.mdd', '/show/caches/points.mdd');
    await writeFile(join(folder, 'shots/a.blend'), blend);
    await mkdir(join(folder, 'caches'));
    await writeFile(join(folder, 'caches/points.mdd'), 'x');
    const paths = ['shots/a.blend', 'caches/points.mdd'];
    const scene = 'shots/a.blend';
    const lost = await upload(folder, paths);
    const without = await gateway.post<SceneReport>('/api/inspect', 200, { asset: lost, scene });
    expect(without.missing).toEqual([expect.stringMatching(/^\/show\/caches\/points\.mdd \(named in/)]);
    const asset = await upload(folder, paths, '/show');
    expect(asset).not.toBe(lost);
    const found = await gateway.post<SceneReport>('/api/inspect', 200, { asset, scene });
    expect(found.missing).toEqual([]);
    expect(found.files).toContainEqual({ path: 'caches/points.mdd', bytes: 1 });
  });

  it('says what is not there', async () => {
    const folder = join(context.folder, 'small');
    await mkdir(folder);
    await writeFile(join(folder, 'a.pov'), '');
    const asset = await upload(folder, ['a.pov']);
    const gone = await gateway.post<Problem>('/api/inspect', 404, { asset, scene: 'b.pov' });
    expect(gone.detail).toContain('holds no file "b.pov"');
    const none = await gateway.post<Problem>('/api/inspect', 404, { asset: 'a'.repeat(64), scene: 'a.pov' });
    expect(none.detail).toContain('There is no asset');
    await gateway.post<Problem>('/api/inspect', 400, { asset, scene: '../a.pov' });
  });
});
