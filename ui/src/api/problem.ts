import type { Problem } from '../../../src/shared/contracts/api.ts';

/** The farm refused a request; `message` is its sentence, `code` its word (`not-found`, `conflict` …). */
export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  /** What is wrong, by its place in what was sent; empty where the farm names none. */
  readonly issues: NonNullable<Problem['errors']>;

  constructor(status: number, code: string, message: string, issues: NonNullable<Problem['errors']> = []) {
    super(message);
    this.name = 'ProblemError';
    this.status = status;
    this.code = code;
    this.issues = issues;
  }
}

/** An answer that is not a success → an error whose sentence can be shown. */
export async function problemFrom(response: Response): Promise<ProblemError> {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    const detail = problem.detail ?? problem.title ?? `The farm answered ${response.status}.`;
    return new ProblemError(response.status, problem.code ?? 'internal', detail, problem.errors);
  } catch {
    return new ProblemError(
      response.status,
      'internal',
      `The farm answered ${response.status} without a reason.`,
    );
  }
}

/** Something thrown → a sentence for people. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError) return error.message;
  if (error instanceof TypeError) return 'The farm does not answer. Is it still running? (./farmhand status)';
  return error instanceof Error ? error.message : String(error);
}
