/* global createClock, createAnimations, createGlyphs -- the files before this one */
/**
 * What the session calls: `goTo` moves the page to a frame, `settle` waits until it shows it. A page is taken there from
 * its first frame in the same steps whoever asks, so that a frame does not depend on which ones were rendered before it.
 */
function installDriver({ dataText, fps, firstFrame, epochMs }) {
  const clock = createClock({ epochMs });
  const animations = createAnimations(clock);
  const glyphs = createGlyphs();
  const warnings = new Set();
  const timeOf = (frame) => ((frame - firstFrame) * 1000) / fps;
  let current = null;
  let nextEnd = Infinity;

  function show(frame) {
    clock.seedChance(frame);
    window.farmhand = Object.freeze({ frame, fps, time: (frame - firstFrame) / fps });
  }

  async function setAnimations(mayFinish) {
    const first = animations.set(mayFinish);
    nextEnd = first.nextEnd;
    if (!first.ended) return;
    // Events of what has ended are sent when Chromium draws; what they begin, begins at this frame.
    await clock.realFrames(2);
    await clock.macrotask();
    nextEnd = animations.set(mayFinish).nextEnd;
  }

  async function step(frame) {
    show(frame);
    await clock.runTimers(timeOf(frame));
    clock.now = timeOf(frame);
    await clock.runFrames();
    await setAnimations(true);
    current = frame;
  }

  /** Pages that draw any frame by its number need no steps. */
  async function jump(frame) {
    show(frame);
    clock.now = timeOf(frame);
    await window.seek(frame);
    await clock.runTimers(timeOf(frame));
    clock.now = timeOf(frame);
    await clock.runFrames();
    await setAnimations(false);
    current = frame;
  }

  /** The next frame at which anything happens but what is set by time. */
  function nextStep(target) {
    if (clock.isDrawing) return current + 1;
    const due = Math.min(clock.nextDue, nextEnd);
    const frame = due === Infinity ? target : firstFrame + Math.ceil((due * fps) / 1000 - 1e-6);
    return Math.min(target, Math.max(current + 1, frame));
  }

  async function goTo(frame) {
    if (typeof window.seek === 'function') await jump(frame);
    else {
      if (current === null) await step(firstFrame);
      while (current < frame) await step(nextStep(frame));
    }
    stopMedia();
    for (const page of innerPages()) await page.goTo(frame);
  }

  function* innerPages() {
    for (let i = 0; i < window.frames.length; i++) {
      try {
        if (window.frames[i].__farmhandPage) yield window.frames[i].__farmhandPage;
      } catch {
        warnings.add('A frame of another origin inside the page keeps its own time.');
      }
    }
  }

  function stopMedia() {
    for (const media of document.querySelectorAll('video, audio')) media.pause();
    if (document.querySelector('video'))
      warnings.add('A <video> in the page stands still at its first picture.');
  }

  /** Waits for fonts and pictures that what is shown needs. */
  async function settle() {
    document.documentElement.getBoundingClientRect(); // laying out begins to load fonts
    await document.fonts.ready;
    const open = [...document.images].filter((image) => !image.complete && image.loading !== 'lazy');
    await Promise.all(open.map((image) => image.decode().catch(() => undefined))); // broken ones are reported as missing
    for (const page of innerPages()) await page.settle();
  }

  function refuse(name, what) {
    const Real = window[name];
    if (!Real) return;
    window[name] = new Proxy(Real, {
      construct: (target, args) => {
        warnings.add(what);
        return Reflect.construct(target, args);
      },
    });
  }

  refuse(
    'Worker',
    'The page uses a web worker, whose time is not the farm’s: frames may differ from run to run.',
  );
  refuse('WebSocket', 'The page opens a web socket; pages have no network here.');
  window.open = () => {
    warnings.add('The page wanted to open a window.');
    return null;
  };
  window.__DATA__ = JSON.parse(dataText);
  show(firstFrame);
  const page = {
    goTo,
    settle,
    glyphs,
    /** Once, when the page has loaded. */
    async ready() {
      animations.findRoots();
      await settle();
    },
    /** @returns what the page did that cannot come out right, and forgets it */
    takeWarnings() {
      const taken = [...warnings, ...[...innerPages()].flatMap((inner) => inner.takeWarnings())];
      warnings.clear();
      return taken;
    },
  };
  Object.defineProperty(window, '__farmhandPage', { value: Object.freeze(page) });
}
