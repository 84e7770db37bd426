import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assetManifestSchema } from '../../shared/contracts/manifest.ts';
import { groupPacks as groupPacksBy, type Grouped } from '../../shared/domain/group-packs.ts';
import { parseOutline, type PackCache } from './build-pack.ts';
import { hashFiles } from './hash-files.ts';
import type { HashedFile } from './local-file.ts';
import { packFiles, type Packed, type Parcel } from './pack-files.ts';
import { RecordFile } from './record-file.ts';

const { signal } = new AbortController();
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-packs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As if they were on disk. */
function imagine(count: number, size: number, change: Record<string, string> = {}): HashedFile[] {
  return Array.from({ length: count }, (_, i) => {
    const path = `textures/${String(i).padStart(5, '0')}.png`;
    return { path, file: path, size, sha256: sha(change[path] ?? path), mark: '' };
  });
}

const groupPacks = (files: readonly HashedFile[]): Grouped<HashedFile> =>
  groupPacksBy(files, (path) => Number.parseInt(sha(path).slice(0, 8), 16));

const namesOf = (packs: HashedFile[][]): string[] =>
  packs.map((pack) => sha(pack.map(({ sha256 }) => sha256).join()));

async function pack(
  contents: Record<string, string>,
): Promise<Packed & { hashed: HashedFile[]; packs: PackCache }> {
  const files = Object.entries(contents).map(([path, content]) => {
    const file = join(folder, sha(path));
    writeFileSync(file, content);
    return { path, file };
  });
  const hashes = new RecordFile<string>(join(folder, 'hashes'), () => undefined);
  const packs = new RecordFile(join(folder, 'packs'), parseOutline);
  await packs.load();
  const hashed = await hashFiles(files, { signal, cache: hashes });
  const packed = await packFiles(hashed, { hashes, packs, signal });
  await packs.save();
  return { ...packed, hashed, packs };
}

const bytesOf = (parcel: Parcel | undefined): Buffer =>
  parcel !== undefined && 'bytes' in parcel ? parcel.bytes() : Buffer.alloc(0);

describe('groupPacks', () => {
  it('makes few packs of ten thousand tiny files, and none too large', () => {
    const { packs, single } = groupPacks(imagine(10_000, 1));
    expect(packs.length + single.length).toBeLessThan(20);
    expect(groupPacks(imagine(2_000, 100_000)).packs.every((each) => each.length <= 163)).toBe(true);
  });

  it.each([
    ['changed', { 'textures/00777.png': 'other' }],
    ['none', {}],
  ])('keeps all packs but the one whose file was %s', (_what, change) => {
    const before = new Set(namesOf(groupPacks(imagine(2_000, 50_000)).packs));
    const after = namesOf(groupPacks(imagine(2_000, 50_000, change)).packs);
    expect(before.size).toBeGreaterThan(10);
    expect(after.filter((name) => !before.has(name))).toHaveLength(Object.keys(change).length);
  });

  it('keeps all packs but one or two when a file is added or removed', () => {
    const files = imagine(2_000, 50_000);
    const before = new Set(namesOf(groupPacks(files).packs));
    const without = namesOf(groupPacks(files.filter((_, i) => i !== 1_234)).packs);
    expect(without.filter((name) => !before.has(name)).length).toBeLessThanOrEqual(2);
    const extra = { ...files[0]!, path: 'textures/00500b.png', sha256: sha('extra') };
    const more = namesOf(groupPacks([...files, extra]).packs);
    expect(more.filter((name) => !before.has(name)).length).toBeLessThanOrEqual(2);
  });

  it('leaves large files, and one that would be alone, as they are', () => {
    const large = imagine(3, 200_000);
    expect(groupPacks(large)).toMatchObject({ packs: [], single: large });
    const [only] = imagine(1, 10);
    expect(groupPacks([only!])).toEqual({ packs: [], single: [only] });
    expect(groupPacks([])).toEqual({ packs: [], single: [] });
  });
});

describe('packFiles', () => {
  const text = Array.from(
    { length: 300 },
    (_, i) => `sphere { <0, ${i}, 2>, 2 pigment { color Yellow } }
`,
  ).join('');
  const contents = {
    'b.inc': text,
    'a.txt': 'a',
    empty: '',
    'copy of a.txt': 'a',
    'zeros.bin': '\0'.repeat(100_000),
  };

  it('says where each file lies, compressed where that helps, and never as what would pass for a bomb', async () => {
    const { parcels, entries } = await pack(contents);
    expect(parcels).toHaveLength(1);
    const bytes = bytesOf(parcels[0]);
    expect([sha(bytes), bytes.byteLength]).toEqual([parcels[0]?.sha256, parcels[0]?.size]);
    expect(() => assetManifestSchema.parse({ version: 1, files: entries })).not.toThrow();
    for (const { path, pack: place } of entries) {
      const stored = bytes.subarray(place!.offset, place!.offset + place!.size);
      const whole = place!.encoding === undefined ? stored : zstdDecompressSync(stored);
      expect(whole.toString('latin1')).toBe(contents[path as keyof typeof contents]);
    }
    const encodings = Object.fromEntries(entries.map(({ path, pack: place }) => [path, place?.encoding]));
    expect(encodings).toEqual({
      'b.inc': 'zstd',
      'a.txt': undefined,
      empty: undefined,
      'copy of a.txt': undefined,
      'zeros.bin': undefined,
    });
  });

  it('makes the same packs of the same files, also of those that it knows from before', async () => {
    const first = await pack(contents);
    const again = await pack(contents);
    expect(again.entries).toEqual(first.entries);
    expect(bytesOf(again.parcels[0]).equals(bytesOf(first.parcels[0]))).toBe(true);
  });

  it('forgets a pack that comes out otherwise when it is built again', async () => {
    const first = await pack(contents);
    const record = readFileSync(join(folder, 'packs'), 'utf8');
    writeFileSync(join(folder, 'packs'), record.replace(first.parcels[0]!.sha256, sha('another zstd')));
    const { parcels, packs } = await pack(contents);
    expect(() => bytesOf(parcels[0])).toThrow('submit it again');
    await packs.save();
    expect((await pack(contents)).entries).toEqual(first.entries);
  });

  it('names a file that changed after it was hashed', async () => {
    await pack(contents);
    const { parcels, hashed } = await pack(contents);
    const changed = hashed.find(({ path }) => path === 'b.inc')!.file;
    writeFileSync(changed, text.replace('Yellow', 'Orange'));
    expect(() => bytesOf(parcels[0])).toThrow(`${changed} changed while it was being uploaded`);
  });
});
