import { createHash } from 'node:crypto';
import type { FailureKind } from '../../shared/contracts/failure-api.ts';

/** An index entry of Postgres holds 2,704 bytes; four a character is the worst case. */
const MAX_LENGTH = 400;
const CONSIDERED_LENGTH = 1_000;

/** What differs between two frames that fail for the same reason, and what stands for it; in this order. */
const VARYING: readonly [RegExp, string][] = [
  // Colours of a terminal.
  [/\u001b\[[0-9;]*[A-Za-z]/g, ''],
  [/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '<url>'],
  // An apostrophe within a word opens no quotation.
  [/(?<![\p{L}\p{N}])'[^'\n]{1,500}'(?![\p{L}\p{N}])/gu, '<text>'],
  [/"[^"\n]{1,500}"|`[^`\n]{1,500}`|“[^”\n]{1,500}”/g, '<text>'],
  [/(?<![\p{L}\p{N}])(?:[A-Za-z]:)?(?:[\\/]+[^\s\\/,:;()[\]<>"']+)+[\\/]?(?<!\.)/gu, '<path>'],
  [/(?<![\p{L}\p{N}])[^\s\\/,:;()[\]<>"']+(?:[\\/][^\s\\/,:;()[\]<>"']+)+(?<!\.)/gu, '<path>'],
  [/(?<![\p{L}\p{N}_])[^\s\\/,:;()[\]<>"']+\.[A-Za-z][A-Za-z0-9]{1,7}(?![\p{L}\p{N}])/gu, '<path>'],
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?Z?)?/g, '<time>'],
  [/\b\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d+)?\b/g, '<time>'],
  [/\b0x[0-9a-f]+\b/gi, '<hex>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, '<hex>'],
  [/\d+(?:[.,]\d+)*/g, '<n>'],
  [/\s+/g, ' '],
];

/**
 * What a failure says, without what differs from frame to frame: numbers, times, hexadecimal, paths, quotations. Two
 * failures of one fingerprint have one reason, as far as words can tell. Pure.
 */
export function fingerprint(failure: FailureKind, message: string): string {
  let text = message.slice(0, CONSIDERED_LENGTH);
  for (const [varying, stands] of VARYING) text = text.replace(varying, stands);
  return `${failure}: ${text.trim().toLowerCase()}`.slice(0, MAX_LENGTH);
}

/** The reason of an attempt that failed, as the ledger names it: 16 hexadecimal digits. Pure. */
export function fingerprintId(failure: FailureKind, message: string): string {
  // That a worker died is one reason, whatever it was called and whatever it rendered.
  const reason = fingerprint(failure, failure === 'loss' ? '' : message);
  return createHash('sha256').update(reason).digest('hex').slice(0, 16);
}
