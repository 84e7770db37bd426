/**
 * Whether Postgres can store a text: NUL and halves of surrogate pairs cannot be written as UTF-8 text or `jsonb`, and
 * one such value in a batch would make the whole batch fail, each time anew.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Text of an engine or an error message as it may be sent: storable, and cut to `maxLength` without splitting a character. */
export function storableText(text: string, maxLength = Infinity): string {
  return text.slice(0, maxLength).replaceAll('\0', '\ufffd').toWellFormed();
}
