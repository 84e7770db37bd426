/**
 * The page's own time: it stands still until `runTimers` and `runFrames` move it. Everything by which a script can tell
 * or await time goes by it, and chance begins anew each frame.
 * @param epochMs what `Date.now()` says at time 0
 */
function createClock({ epochMs }) {
  /** More callbacks than this for one frame do not come to rest. */
  const MAX_CALLBACKS = 100_000;
  /** As browsers do: timers inside timers wait at least so long from the fifth on. */
  const NESTED_MS = 4;
  const RealDate = Date;
  const channel = new MessageChannel();
  const realFrame = window.requestAnimationFrame.bind(window);
  const timers = new Map();
  let drawings = new Map();
  let now = 0;
  let lastId = 0;
  let nesting = 0;

  function addTimer(callback, delay, args, repeats) {
    const atLeast = repeats ? 1 : nesting >= 5 ? NESTED_MS : 0;
    const wait = Math.max(atLeast, Number(delay) || 0);
    timers.set(++lastId, {
      callback,
      args,
      due: now + wait,
      wait: repeats ? wait : null,
      nesting: nesting + 1,
    });
    return lastId;
  }

  function call(callback, args) {
    try {
      // Text is code, as in browsers; the page could run it by other means as well.
      if (typeof callback === 'function') callback.apply(window, args);
      else (0, eval)(String(callback));
    } catch (error) {
      reportError(error);
    }
  }

  function earliest() {
    let first;
    for (const [id, timer] of timers) if (!first || timer.due < first.timer.due) first = { id, timer };
    return first;
  }

  /** Lets what was promised or posted run. */
  function macrotask() {
    return new Promise((resolve) => {
      channel.port1.onmessage = () => resolve();
      channel.port2.postMessage(null);
    });
  }

  function replaceTimers() {
    window.setTimeout = (callback, delay, ...args) => addTimer(callback, delay, args, false);
    window.setInterval = (callback, delay, ...args) => addTimer(callback, delay, args, true);
    window.clearTimeout = (id) => void timers.delete(Number(id));
    window.clearInterval = window.clearTimeout;
    window.requestAnimationFrame = (callback) => {
      drawings.set(++lastId, callback);
      return lastId;
    };
    window.cancelAnimationFrame = (id) => void drawings.delete(Number(id));
    window.requestIdleCallback = (callback) =>
      addTimer(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1, [], false);
    window.cancelIdleCallback = window.clearTimeout;
  }

  function replaceClocks() {
    window.Date = new Proxy(RealDate, {
      construct: (target, args, newTarget) =>
        Reflect.construct(target, args.length > 0 ? args : [epochMs + now], newTarget),
      apply: () => new RealDate(epochMs + now).toString(),
      get: (target, key) => (key === 'now' ? () => Math.floor(epochMs + now) : Reflect.get(target, key)),
    });
    RealDate.prototype.constructor = window.Date;
    Performance.prototype.now = () => now;
    Object.defineProperty(Performance.prototype, 'timeOrigin', { get: () => epochMs, configurable: true });
    const ownTime = Object.getOwnPropertyDescriptor(AnimationTimeline.prototype, 'currentTime');
    Object.defineProperty(AnimationTimeline.prototype, 'currentTime', {
      ...ownTime,
      get() {
        return this === document.timeline ? now : ownTime.get.call(this);
      },
    });
    if (window.Temporal) replaceTemporal(window.Temporal);
  }

  function replaceTemporal(Temporal) {
    const instant = () => Temporal.Instant.fromEpochMilliseconds(Math.floor(epochMs + now));
    const zoned = (zone = 'UTC') => instant().toZonedDateTimeISO(zone);
    Object.assign(Temporal.Now, {
      instant,
      zonedDateTimeISO: zoned,
      plainDateTimeISO: (zone) => zoned(zone).toPlainDateTime(),
      plainDateISO: (zone) => zoned(zone).toPlainDate(),
      plainTimeISO: (zone) => zoned(zone).toPlainTime(),
    });
  }

  /** Mulberry32, by the frame's number. */
  function seedChance(frame) {
    let state = (frame * 0x9e3779b1 + 0x6d2b79f5) | 0;
    const next = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    };
    Math.random = next;
    Crypto.prototype.getRandomValues = (array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(next() * 256);
      return array;
    };
    Crypto.prototype.randomUUID = () =>
      '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
        (digit ^ ((Math.floor(next() * 16) & 15) >> (digit / 4))).toString(16),
      );
  }

  replaceTimers();
  replaceClocks();

  return {
    macrotask,
    seedChance,
    get now() {
      return now;
    },
    set now(ms) {
      now = ms;
    },
    get isDrawing() {
      return drawings.size > 0;
    },
    /** When the next timer is due; Infinity without one. */
    get nextDue() {
      return earliest()?.timer.due ?? Infinity;
    },
    /** Runs what is due until then, in its order, each at its own time. */
    async runTimers(untilMs) {
      let count = 0;
      for (let next = earliest(); next && next.timer.due <= untilMs; next = earliest()) {
        if (++count > MAX_CALLBACKS) throw new Error('its timers call each other without end');
        const { id, timer } = next;
        now = Math.max(now, timer.due);
        if (timer.wait === null) timers.delete(id);
        else timer.due += timer.wait;
        nesting = timer.nesting;
        call(timer.callback, timer.args);
        nesting = 0;
        await undefined;
      }
      if (count > 0) await macrotask();
    },
    /** One round of `requestAnimationFrame`. @returns whether there was anything to do */
    async runFrames() {
      const round = drawings;
      drawings = new Map();
      for (const callback of round.values()) call(callback, [now]);
      if (round.size > 0) await macrotask();
      return round.size > 0;
    },
    /** Waits until Chromium has drawn so often: events of animations are sent then. */
    async realFrames(count) {
      for (let i = 0; i < count; i++) await new Promise((resolve) => realFrame(resolve));
    },
  };
}
