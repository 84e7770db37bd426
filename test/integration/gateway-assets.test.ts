import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AssetPlan, AssetReply, Problem, Template } from '../../src/shared/contracts/api.ts';
import { canonicalManifest } from '../../src/shared/contracts/manifest.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

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

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = (content: string): { sha256: string; size: number } => ({
  sha256: sha256(content),
  size: Buffer.byteLength(content),
});

async function upload(content: string): Promise<{ sha256: string; size: number }> {
  const file = fileOf(content);
  const { uploads } = await gateway.post<AssetPlan>('/api/assets/plan', 200, { files: [file] });
  for (const { url, headers } of uploads) {
    const put = await fetch(url, { method: 'PUT', headers, body: content });
    expect(put.status).toBe(200);
  }
  return file;
}

describe('uploads', () => {
  it('are asked for once: what is there is not asked for again', async () => {
    const file = fileOf('once');
    const plan = await gateway.post<AssetPlan>('/api/assets/plan', 200, { files: [file, file] });
    expect(plan.uploads.map((each) => each.sha256)).toEqual([file.sha256]);
    await upload('once');
    expect(await gateway.post('/api/assets/plan', 200, { files: [file] })).toEqual({
      uploads: [],
      parts: [],
      more: [],
    });
  });

  it('take only the bytes that the link was made for, only under its key, only as a PUT', async () => {
    const { uploads } = await gateway.post<AssetPlan>('/api/assets/plan', 200, {
      files: [fileOf('the truth')],
    });
    const { url = '', headers = {} } = uploads[0] ?? {};
    const put = async (target: string, body: string, sent: Record<string, string>): Promise<number> =>
      (await fetch(target, { method: 'PUT', headers: sent, body })).status;
    const lie = { 'x-amz-checksum-sha256': createHash('sha256').update('a lie').digest('base64') };
    expect(await put(url, 'a lie', headers)).toBe(400);
    expect(await put(url, 'a lie', lie)).toBe(403);
    expect(await put(url, 'the truth', {})).toBe(403);
    expect(await put(url.replace(sha256('the truth'), sha256('a lie')), 'the truth', headers)).toBe(403);
    expect((await fetch(url)).status).toBe(403);
    expect(await put(url, 'the truth', headers)).toBe(200);
  });

  it('of a thousand files are planned in one call, quickly', async () => {
    const files = Array.from({ length: 1_000 }, () => ({ sha256: randomBytes(32).toString('hex'), size: 1 }));
    // A second on an idle machine; a query after another would take far longer than this.
    const startedAt = performance.now();
    const { uploads } = await gateway.post<AssetPlan>('/api/assets/plan', 200, { files });
    expect(uploads).toHaveLength(1_000);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it.each([
    [{ files: [] }, 'files'],
    [{ files: [{ sha256: '../etc/passwd', size: 1 }] }, 'files[0].sha256'],
    [{ files: [{ sha256: 'A'.repeat(64), size: 1 }] }, 'files[0].sha256'],
    [{ files: [{ sha256: 'a'.repeat(64), size: -1 }] }, 'files[0].size'],
    [{ files: [{ sha256: 'a'.repeat(64), size: 1, key: 'assets/x' }] }, 'files[0].key'],
    ['[[[[', ''],
    ['{"__proto__": 1}', '__proto__'],
  ])('are refused for %j, naming %s', async (body, path) => {
    const problem = await gateway.post<Problem>('/api/assets/plan', 400, body);
    expect(problem.errors?.[0]?.path).toBe(path);
  });
});

describe('manifests', () => {
  it('are stored at their own hash once all files are there', async () => {
    const [scene, texture] = [await upload('scene'), await upload('texture')];
    const manifest = {
      version: 1 as const,
      files: [
        { path: 'tex/ture.png', ...texture },
        { path: 'scene.json', ...scene },
      ],
    };
    const asset = await gateway.post<AssetReply>('/api/assets', 201, manifest);
    expect(asset).toEqual({ sha256: sha256(canonicalManifest(manifest)), files: 2, bytes: 12 });
    const reordered = { ...manifest, files: manifest.files.toReversed() };
    expect(await gateway.post('/api/assets', 200, reordered)).toEqual(asset);
  });

  it('name every file that is missing or has another size', async () => {
    const there = await upload('there');
    const problem = await gateway.post<Problem>('/api/assets', 400, {
      version: 1,
      files: [
        { path: 'a', ...there },
        { path: 'b', ...fileOf('never uploaded') },
        { path: 'c', sha256: there.sha256, size: 99 },
      ],
    });
    expect(problem.errors?.map((issue) => issue.path)).toEqual(['files[1]', 'files[2]']);
    expect(problem.detail).toContain('b: not uploaded');
    expect(await context.ledger.selectFrom('assets').selectAll().where('files', '=', 3).execute()).toEqual(
      [],
    );
  });

  it.each(['../up', '/abs', 'a//b', 'a\\b', './a', 'C:/x', 'nul\u0000', ''])(
    'refuse the path %j',
    async (path) => {
      const file = await upload('there');
      await gateway.post('/api/assets', 400, { version: 1, files: [{ path, ...file }] });
    },
  );

  it('refuse one path twice', async () => {
    const file = await upload('there');
    const problem = await gateway.post<Problem>('/api/assets', 400, {
      version: 1,
      files: [
        { path: 'a', ...file },
        { path: 'a', ...file },
      ],
    });
    expect(problem.errors?.[0]?.path).toBe('files[1].path');
  });
});

describe('templates', () => {
  let asset: string;
  const template = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
    name: 'card',
    label: 'A card',
    engine: 'lottie',
    asset,
    scenePath: 'card.json',
    schema: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] },
    slots: { title: { kind: 'text', slot: 'Title' } },
    defaults: { frames: '0-23' },
    ...change,
  });

  beforeAll(async () => {
    const file = await upload('{"a card":1}');
    const manifest = { version: 1, files: [{ path: 'card.json', ...file }] };
    asset = (await gateway.post<AssetReply>('/api/assets', 201, manifest)).sha256;
  });

  it('get a new version only for new content', async () => {
    expect(await gateway.post('/api/templates', 201, template())).toMatchObject({ name: 'card', version: 1 });
    expect(await gateway.post('/api/templates', 200, template())).toMatchObject({ version: 1 });
    expect(await gateway.post('/api/templates', 201, template({ label: 'Two' }))).toMatchObject({
      version: 2,
    });
    expect(await gateway.json('/api/templates/card')).toMatchObject({ version: 2, label: 'Two' });
    expect(await gateway.json('/api/templates/card?version=1')).toMatchObject({ label: 'A card' });
    const { templates } = await gateway.json<{ templates: Template[] }>('/api/templates');
    expect(templates.map((each) => [each.name, each.version])).toEqual([['card', 2]]);
    await gateway.json('/api/templates/none', 404);
    await gateway.json('/api/templates/card?version=9', 404);
  });

  it('pushed many times at once become one version', async () => {
    const pushes = await Promise.all(
      Array.from({ length: 12 }, () =>
        gateway.fetch('/api/templates', { method: 'POST', body: JSON.stringify(template({ name: 'race' })) }),
      ),
    );
    expect(pushes.map((push) => push.status).sort()).toEqual([...new Array<number>(11).fill(200), 201]);
    expect(await gateway.json('/api/templates/race')).toMatchObject({ version: 1 });
  });

  it.each([
    [{ schema: { type: 'object', properties: { title: { type: 'strin' } } } }, 'schema'],
    [{ schema: { type: 'string' } }, 'schema'],
    [{ engine: 'unheard' }, 'engine'],
    [{ engine: 'ffmpeg' }, 'engine'],
    [{ slots: { subtitle: { kind: 'text', slot: 'x' } } }, 'slots.subtitle'],
    [{ asset: 'f'.repeat(64) }, 'asset'],
    [{ scenePath: 'other.json' }, 'scenePath'],
    [{ name: 'a.b' }, 'name'],
  ])('are refused with %j', async (change, path) => {
    const problem = await gateway.post<Problem>('/api/templates', 400, template(change));
    expect(problem.errors?.map((issue) => issue.path)).toContain(path);
  });
});
