import type { ManageRequest } from '../../shared/contracts/messages.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** What a request on `manage` comes to, before anything is written. */
export interface Managed {
  /** In both tenses: `Pauses w1.` and `Paused w1.` */
  would: string;
  did: string;
  /** False where all is as wanted already. */
  changed: boolean;
  /** The workers, or what is set, for the history. */
  subjects: readonly string[];
  write: (trx: LedgerTransaction) => Promise<void>;
  /** Told to each of these workers after the commit, beside its orders. */
  control?: { type: 'drain' | 'give-back' };
}

/** The request of one verb. */
export type RequestOf<V extends ManageRequest['verb']> = Extract<ManageRequest, { verb: V }>;

/** `w1`, `w1 and w2`, `w1, w2, w3, w4 and 96 more`. */
export function named(names: readonly string[]): string {
  const shown = names.length > 5 ? names.slice(0, 4) : names;
  const rest = names.length - shown.length;
  const texts = rest > 0 ? [...shown, `${rest.toLocaleString('en')} more`] : shown;
  return texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}`;
}

/** `1 task`, `3 tasks`. */
export const count = (n: number, noun: string): string =>
  `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
