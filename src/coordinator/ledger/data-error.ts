/** SQLSTATE classes 22 (data exception) and 54 (program limit exceeded): the same values fail again, however often. */
const DATA_ERROR = /^(22|54)...$/;

/** Whether Postgres refused the values of a statement, rather than being away or in the middle of something. */
export function isDataError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && DATA_ERROR.test(String(error.code));
}
