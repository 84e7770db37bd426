/**
 * Calls `flush` at most once an animation frame, however often it is asked. Hidden tabs get no animation frames, so
 * a timer stands in for them there.
 */
export function onceAFrame(flush: () => void): { request: () => void; cancel: () => void } {
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = undefined;
  };
  const run = (): void => {
    cancel();
    flush();
  };
  return {
    request: () => {
      if (frame !== undefined || timer !== undefined) return;
      if (document.hidden) timer = setTimeout(run, 250);
      else {
        frame = requestAnimationFrame(run);
        timer = setTimeout(run, 1_000); // The tab may become hidden before its frame comes.
      }
    },
    cancel,
  };
}
