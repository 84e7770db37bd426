import { FarmError, type InputIssue } from '../../shared/domain/errors.ts';

/** What the command's exit code tells a script. */
export const EXIT = {
  done: 0,
  /** Something failed, or the farm refused it. */
  failed: 1,
  /** Wrong use, or a file that cannot be read. */
  usage: 2,
  /** The farm is not reachable. */
  unreachable: 3,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Wrong flags or arguments, or a file that cannot be used: exit 2. */
export class UsageError extends FarmError {
  constructor(message: string, options: { issues?: readonly InputIssue[]; cause?: unknown } = {}) {
    super('invalid', message, options);
    this.name = 'UsageError';
  }
}

/** No farm answers at the address: exit 3. */
export class UnreachableError extends FarmError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unavailable', message, options);
    this.name = 'UnreachableError';
  }
}

/** The farm answered with a problem document: exit 1. */
export class RefusedError extends FarmError {
  readonly status: number;

  constructor(
    code: FarmError['code'],
    message: string,
    options: { status: number; issues?: readonly InputIssue[] },
  ) {
    super(code, message, { issues: options.issues ?? [] });
    this.name = 'RefusedError';
    this.status = options.status;
  }
}

/** Ctrl-C. `hint` says what goes on regardless. */
export class InterruptedError extends Error {
  constructor(hint = '') {
    super(hint === '' ? 'Interrupted.' : `Interrupted. ${hint}`);
    this.name = 'InterruptedError';
  }
}

/** The exit code that belongs to an error. What this machine's own checks find invalid is wrong use; all else failed. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  if (error instanceof RefusedError) return EXIT.failed;
  if (error instanceof FarmError && USAGE_CODES.has(error.code)) return EXIT.usage;
  return EXIT.failed;
}

const USAGE_CODES: ReadonlySet<FarmError['code']> = new Set(['invalid', 'too-large', 'not-found']);
