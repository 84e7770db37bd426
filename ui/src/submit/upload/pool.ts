/**
 * Runs `work` for every item, at most `width` at a time. The first error stops new work; it is thrown once what is under
 * way has ended.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed: { error: unknown } | undefined;
  const run = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && failed === undefined; next = iterator.next())
      await work(next.value).catch((error: unknown) => {
        failed ??= { error };
      });
  };
  await Promise.all(Array.from({ length: width }, run));
  if (failed !== undefined) throw failed.error;
}
