/** A server that is gone leaves a mount that answers nothing: whoever asks it would wait for ever. */
const ANSWERS_WITHIN_MS = 5_000;
/** A look that is not answered holds one of the four threads that every call to a file system needs. */
const LOOKS_AT_ONCE = 3;

/** By prefix: looks that have no answer yet. They settle, and never reject. */
const pending = new Map<string, Promise<void>>();
/** Prefixes whose look was given up; nothing else is asked there until it is answered after all. */
const silent = new Set<string>();

/**
 * Looks at shared storage, at one prefix once at a time: storage that does not answer is not asked again and again, which
 * would take one thread after the other until the whole process stands still.
 * @param prefix where the storage lies on this machine
 * @throws Error when it does not answer; what `look` throws
 */
export async function askStorage<T>(
  prefix: string,
  look: () => Promise<T>,
  withinMs = ANSWERS_WITHIN_MS,
): Promise<T> {
  if (silent.has(prefix)) throw new Error(`${prefix} does not answer`);
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      if (isAsked) silent.add(prefix);
      reject(new Error(`${prefix} does not answer`));
    }, withinMs);
  });
  try {
    while (pending.has(prefix) || pending.size >= LOOKS_AT_ONCE)
      await Promise.race([...pending.values(), late]);
    isAsked = true;
    const asked = look();
    const answered = (): void => {
      pending.delete(prefix);
      silent.delete(prefix);
    };
    pending.set(prefix, asked.then(answered, answered));
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
