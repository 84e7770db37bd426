import { expect, it } from 'vitest';
import {
  guaranteeRows,
  limitRows,
  RETENTION_KIND,
  retentionRows,
  shareRows,
  VERSION_KIND,
} from './setting-kinds.ts';

it('shows what of a limit is used, and that it is lowered', () => {
  const lowered = { to: 2, until: '2026-01-01T00:00:00.000Z' };
  expect(limitRows([{ kind: 'licence', name: 'nuke', running: 4, inUse: 2, lowered }])).toEqual([
    {
      address: ['limits', 'licence', 'nuke'],
      what: 'licence nuke',
      value: 4,
      use: { used: 2, of: 2 },
      note: 'Lowered to 2 for a while: the licence server had no more.',
    },
  ]);
});

it('holds guarantees and weights against what is so now', () => {
  expect(
    guaranteeRows(
      [{ project: 'film', pool: 'gpu', slots: 8 }],
      [{ project: 'film', pool: 'gpu', has: 3 }],
    )[0],
  ).toMatchObject({ what: 'film, of workers tagged gpu', use: { used: 3, of: 8 } });
  const film = { project: 'film', weight: 3, slots: 5, fairSlots: 7.5, ready: 9 };
  expect(shareRows([{ kind: 'project', name: 'film', weight: 3 }], [film])[0]?.note).toBe(
    '5 slots now, 7.5 would be fair.',
  );
  expect(shareRows([{ kind: 'owner', name: 'film', weight: 3 }], [film])[0]?.note).toBeUndefined();
});

it('addresses rules of the farm and of a project', () => {
  expect(VERSION_KIND.address('', 'blender', '')).toEqual({ address: ['engine-versions', 'blender'] });
  expect(RETENTION_KIND.address('failed', '', 'film')).toEqual({
    address: ['retention', 'failed'],
    project: 'film',
  });
  expect(RETENTION_KIND.body(' forever ')).toEqual({ days: 'forever' });
  expect(RETENTION_KIND.body('30')).toEqual({ days: 30 });
  expect(retentionRows([{ what: 'bin', project: null, days: 14, set: false }])[0]).toMatchObject({
    what: 'Jobs in the bin',
    isDefault: true,
  });
});
