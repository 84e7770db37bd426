/**
 * Some at a time. After the first error none is begun any more, and those under way are waited for before it is thrown:
 * nothing may still be written when the caller cleans up.
 */
export async function settleAll<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const open = items.values();
  const errors: unknown[] = [];
  const next = async (): Promise<void> => {
    for (const item of open) {
      if (errors.length > 0) return;
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  if (errors.length > 0) throw errors[0];
}
