import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FarmClient } from '../../src/cli/support/farm-client.ts';
import { uploadAsset } from '../../src/cli/support/upload.ts';
import type { Problem, Template, TemplateRequest, TemplateVersions } from '../../src/shared/contracts/api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let context: TestContext;
let gateway: TestGateway;
let folder: string;
let request: TemplateRequest;
let picture: Buffer;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
  folder = await mkdtemp(join(tmpdir(), 'farmhand-templates-test-'));
  picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const files = { 'card.json': Buffer.from('{}'), 'look.png': picture };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  const asset = await uploadAsset(
    Object.keys(files).map((path) => ({ path, file: join(folder, path) })),
    {
      client: new FarmClient({ url: gateway.url, token: gateway.token }),
      signal: new AbortController().signal,
      label: 'card',
      cacheFolder: folder,
    },
  );
  request = {
    name: 'card',
    label: 'Card',
    engine: 'lottie',
    asset,
    scenePath: 'card.json',
    preview: 'look.png',
    schema: { type: 'object', properties: { title: { type: 'string' } } },
    slots: {},
    defaults: { frames: '0-9' },
  };
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await context.dispose();
  await rm(folder, { recursive: true, force: true });
});

const push = async <T = Template>(status: number, changes: Partial<TemplateRequest> = {}): Promise<T> =>
  await gateway.post<T>('/api/templates', status, { ...request, ...changes });

describe('templates', () => {
  it('get a version for each new content, and never change one', async () => {
    expect(await push(201)).toMatchObject({ version: 1, preview: 'look.png' });
    expect(await push(200)).toMatchObject({ version: 1 });
    expect(await push(201, { label: 'Other' })).toMatchObject({ version: 2 });
    expect(await push(200, { version: 1 })).toMatchObject({ version: 1, label: 'Card' });
    const taken = await push<Problem>(409, { version: 1, label: 'Third' });
    expect(taken.errors).toEqual([{ path: 'version', value: '1', expected: '3' }]);
    const skipped = await push<Problem>(409, { version: 7, label: 'Third' });
    expect(skipped.detail).toContain('the newest version of card is 2');
    expect(await push(201, { version: 3, label: 'Third' })).toMatchObject({ version: 3 });
    const stored = await gateway.json<Template>('/api/templates/card?version=1');
    expect(stored.label).toBe('Card');
    const page = await gateway.json<TemplateVersions>('/api/templates/card/versions?limit=2');
    expect(page.versions.map(({ version, label }) => [version, label])).toEqual([
      [3, 'Third'],
      [2, 'Other'],
    ]);
    const rest = await gateway.json<TemplateVersions>(`/api/templates/card/versions?below=${page.next ?? 0}`);
    expect(rest).toMatchObject({ versions: [{ version: 1 }], next: null });
    expect((await gateway.fetch('/api/templates/nothing/versions')).status).toBe(404);
  });

  it('show a picture of what they give', async () => {
    const response = await gateway.fetch('/api/templates/card/preview?version=1');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await response.arrayBuffer());
    const hash = (of: Buffer): string => createHash('sha256').update(of).digest('hex');
    expect(hash(bytes)).toBe(hash(picture));
    await push(201, { name: 'plain', preview: undefined });
    expect((await gateway.fetch('/api/templates/plain/preview')).status).toBe(404);
  });

  it('are refused where their picture is not among their files, or is no picture', async () => {
    const absent = await push<Problem>(400, { name: 'absent', preview: 'other.png' });
    expect(absent.errors?.map(({ path }) => path)).toEqual(['preview']);
    const script = await push<Problem>(400, { name: 'script', preview: 'look.svg' });
    expect(script.errors?.map(({ path }) => path)).toEqual(['preview']);
  });
});
