import { describe, expect, it } from 'vitest';
import { heartbeatOf } from '../../../test/support/heartbeat.ts';
import type { Heartbeat } from '../../shared/contracts/messages.ts';
import { SILENT_AFTER_MS, viewWorker, type LedgerWorker } from './worker-view.ts';

const heartbeat = (state: Heartbeat['state']): Heartbeat => heartbeatOf({ state });
const ledger = (state: LedgerWorker['state'], of: Heartbeat['state'] = 'busy'): LedgerWorker => ({
  state,
  heartbeat: heartbeat(of),
  seenAt: new Date(0),
});

describe('the state of a worker', () => {
  const now = 100_000;
  const longAgo = now - SILENT_AFTER_MS;

  it.each([
    [
      'its own word while it is fresh',
      ledger('lost'),
      { heartbeat: heartbeat('idle'), heardAtMs: now - 1 },
      0,
      'idle',
    ],
    [
      'the ledger once it is silent',
      ledger('offline'),
      { heartbeat: heartbeat('busy'), heardAtMs: longAgo },
      0,
      'offline',
    ],
    ['lost when nothing was heard while listening', ledger('online'), undefined, longAgo, 'lost'],
    [
      'offline when its last word was that it stops',
      undefined,
      { heartbeat: heartbeat('stopping'), heardAtMs: longAgo },
      0,
      'offline',
    ],
    [
      'the ledger’s last word when this process has only just begun to listen',
      ledger('online'),
      undefined,
      now - 1,
      'busy',
    ],
  ] as const)('is %s', (_what, known, heard, listeningSince, expected) => {
    expect(viewWorker(known, heard, now, listeningSince)?.state).toBe(expected);
  });
});
