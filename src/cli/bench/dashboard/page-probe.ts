/**
 * Runs in the page before anything of it. Notes how long each animation frame's work takes, with what Vue renders because
 * of it, the longest tasks, and when something that is waited for has been painted.
 */
export const PAGE_PROBE = `(() => {
  const nextFrame = window.requestAnimationFrame.bind(window);
  const frames = new Map();
  const probe = { flushes: [], longTasks: [], painted: {} };
  window.farmhandProbe = probe;

  window.requestAnimationFrame = (callback) => nextFrame((time) => {
    const start = performance.now();
    callback(time);
    // Vue renders in a microtask that the callback has put before this one.
    queueMicrotask(() => {
      if (frames.size > 200) frames.clear();
      const known = frames.get(time);
      const spent = performance.now() - start;
      if (known) known.ms += spent;
      else {
        const entry = { ms: spent };
        frames.set(time, entry);
        probe.flushes.push(entry);
      }
    });
  });

  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) probe.longTasks.push({ startTime, duration });
  }).observe({ type: 'longtask', buffered: true });

  const epoch = () => performance.timeOrigin + performance.now();
  /** A message that is sent in a frame comes when the frame has been painted. */
  const afterPaint = (then) => nextFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { then(epoch()); port1.close(); };
    port2.postMessage(null);
  });
  const watch = (name, isThere) => {
    const look = () => {
      if (isThere()) afterPaint((at) => { probe.painted[name] = at; });
      else nextFrame(look);
    };
    nextFrame(look);
  };

  probe.watchText = (name, text) => watch(name, () => {
    for (const link of document.querySelectorAll('a[href^="/jobs/bench-"]')) if (link.textContent.includes(text)) return true;
    return false;
  });
  const largestCanvas = () => [...document.querySelectorAll('canvas')]
    .sort((a, b) => b.width * b.height - a.width * a.height)[0];
  const colourOf = (state) => {
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = getComputedStyle(largestCanvas()).getPropertyValue('--state-' + state).trim();
    context.fillRect(0, 0, 1, 1);
    const { data } = context.getImageData(0, 0, 1, 1);
    return new Uint32Array(data.buffer)[0];
  };
  /** Whether any pixel of the frame grid has the colour of a state. */
  probe.watchColour = (name, state, wanted) => {
    const colour = colourOf(state);
    watch(name, () => {
      const canvas = largestCanvas();
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Uint32Array(data.buffer).includes(colour) === wanted;
    });
  };
  probe.canvas = () => largestCanvas()?.toDataURL() ?? '';
  probe.rows = () => [...document.querySelectorAll('a[href^="/jobs/"]')]
    .map((link) => link.closest('tr, [role=row]')?.innerText ?? '').filter((text) => text !== '');
  probe.reset = () => { probe.flushes = []; probe.longTasks = []; };

  const firstRows = () => document.querySelectorAll('a[href^="/jobs/bench-"]').length > 5;
  const look = () => {
    if (firstRows()) afterPaint((at) => { probe.firstPaintMs = at - performance.timeOrigin; });
    else nextFrame(look);
  };
  if (location.pathname === '/jobs') nextFrame(look);
})();`;

/** What the page tells of itself. */
export interface PageFigures {
  /** Milliseconds of each animation frame in which the page did something. */
  flushes: number[];
  longTasks: number[];
}
