const TASK_ID = /^t[0-9a-z]{1,13}$/;

/** A task's id: `t` and its key in the ledger, base 36. */
export function taskIdOf(key: string | bigint): string {
  return `t${BigInt(key).toString(36)}`;
}

/** The ledger's key of a task id, or undefined for anything that is not one. */
export function taskKeyOf(taskId: string): string | undefined {
  if (!TASK_ID.test(taskId)) return undefined;
  let key = 0n;
  for (const digit of taskId.slice(1)) key = key * 36n + BigInt(Number.parseInt(digit, 36));
  return key > 0n && key <= 9_223_372_036_854_775_807n ? key.toString() : undefined;
}
