/** What went wrong, as a stable word that programs can compare. Mapped to an HTTP status in one place (the gateway). */
export type ErrorCode =
  | 'invalid' // the request or document is wrong; `issues` says where
  | 'not-found'
  | 'conflict' // the same id with other content, or a verb that does not fit the state
  | 'refused' // understood and not allowed
  | 'unavailable' // a server or program that is needed does not answer
  | 'too-large'
  | 'unauthorized'
  | 'internal';

/** One thing that is wrong with an input: where (a path such as `steps[0].frames`), what was found, what is expected. */
export interface InputIssue {
  path: string;
  value: string;
  expected: string;
}

/** An error whose message is a sentence that a person can act on. */
export class FarmError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly InputIssue[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { issues?: readonly InputIssue[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FarmError';
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

/** An input that breaks its contract, with every issue found, not only the first. */
export class InvalidInputError extends FarmError {
  constructor(what: string, issues: readonly InputIssue[]) {
    const lines = issues.map(
      (issue) => `${issue.path || '(whole)'}: got ${issue.value}, expected ${issue.expected}`,
    );
    super('invalid', `${what} is not valid. ${lines.join('; ')}`, { issues });
    this.name = 'InvalidInputError';
  }
}

/** The message of anything thrown, for a log line or a stored reason. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A value in an error message: short, printable, and never the whole of a huge input. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  ) as string | undefined;
  if (text === undefined) return typeof value;
  const printable = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
  return printable.length > 80 ? `${printable.slice(0, 77)}…` : printable;
}
