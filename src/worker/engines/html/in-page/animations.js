/**
 * CSS animations and transitions, the Web Animations API and SVG's SMIL, all paused and set to the clock's time. An
 * animation begins when it is first seen, which is at the frame whose script or style began it.
 */
function createAnimations(clock) {
  const { animate, attachShadow } = Element.prototype;
  const { pause, play, finish } = Animation.prototype;
  const time = Object.getOwnPropertyDescriptor(Animation.prototype, 'currentTime');
  const playState = Object.getOwnPropertyDescriptor(Animation.prototype, 'playState');
  /** Animation → {base, since, running}: its time is `base`, and while it runs the clock's since then is added. */
  const states = new WeakMap();
  const pausedByPage = new WeakSet();
  const drawingsSince = new WeakMap();
  const roots = new Set([document]);

  function hold(animation, base) {
    pause.call(animation);
    states.set(animation, { base, since: clock.now, running: !pausedByPage.has(animation) });
    time.set.call(animation, base);
  }

  function timeOf(animation, state) {
    return state.base + (state.running ? (clock.now - state.since) * animation.playbackRate : 0);
  }

  /** What the page does to an animation itself counts from the moment it does so. */
  function followThePage() {
    Element.prototype.animate = function (...args) {
      const animation = animate.apply(this, args);
      if (animation.timeline === document.timeline) hold(animation, time.get.call(animation) ?? 0);
      return animation;
    };
    Element.prototype.attachShadow = function (...args) {
      const root = attachShadow.apply(this, args);
      roots.add(root);
      return root;
    };
    Animation.prototype.play = function () {
      pausedByPage.delete(this);
      play.call(this);
      if (this.timeline === document.timeline) hold(this, time.get.call(this) ?? 0);
    };
    Animation.prototype.pause = function () {
      const state = states.get(this);
      pausedByPage.add(this);
      if (state) hold(this, timeOf(this, state));
      else pause.call(this);
    };
    Object.defineProperty(Animation.prototype, 'currentTime', {
      ...time,
      set(value) {
        time.set.call(this, value);
        if (value !== null && this.timeline === document.timeline) hold(this, Number(value));
      },
    });
    Object.defineProperty(Animation.prototype, 'playState', {
      ...playState,
      get() {
        const state = playState.get.call(this);
        return state === 'paused' && states.get(this)?.running ? 'running' : state;
      },
    });
  }

  /** `animation-play-state` as the style has it; a paused one stands still. */
  function pausedByStyle(animation) {
    const target = animation.effect?.target;
    if (!(animation instanceof CSSAnimation) || !target) return false;
    const style = getComputedStyle(target, animation.effect.pseudoElement);
    const names = style.animationName.split(', ');
    const plays = style.animationPlayState.split(', ');
    const at = names.lastIndexOf(animation.animationName);
    return plays[at % plays.length] === 'paused';
  }

  function setAnimation(animation, mayFinish) {
    const real = playState.get.call(animation);
    if (real === 'finished' || (real === 'idle' && !states.has(animation)))
      return { ended: false, end: Infinity };
    if (!states.has(animation)) hold(animation, animation.playbackRate < 0 ? endOf(animation) : 0);
    const state = states.get(animation);
    const running = !pausedByPage.has(animation) && !pausedByStyle(animation);
    if (running !== state.running) {
      Object.assign(state, { base: timeOf(animation, state), since: clock.now, running });
    }
    const current = timeOf(animation, state);
    const end = endOf(animation);
    if (mayFinish && running && animation.playbackRate > 0 && current >= end) {
      finish.call(animation);
      return { ended: true, end: Infinity };
    }
    if (real !== 'paused') pause.call(animation);
    time.set.call(animation, current);
    const left = running && animation.playbackRate > 0 ? (end - current) / animation.playbackRate : Infinity;
    return { ended: false, end: clock.now + left };
  }

  function endOf(animation) {
    return animation.effect?.getComputedTiming().endTime ?? 0;
  }

  function setDrawing(svg) {
    if (!drawingsSince.has(svg)) {
      drawingsSince.set(svg, clock.now);
      svg.pauseAnimations();
    }
    svg.setCurrentTime(Math.max(0, clock.now - drawingsSince.get(svg)) / 1000);
  }

  followThePage();

  return {
    /** Shadow trees that are written in HTML. */
    findRoots() {
      for (const element of document.querySelectorAll('*'))
        if (element.shadowRoot) roots.add(element.shadowRoot);
    },
    /**
     * Sets all of them to the clock's time.
     * @param mayFinish whether those at their end finish, with their events
     * @returns whether one has ended, and when the next one will
     */
    set(mayFinish) {
      const seen = new Set();
      for (const root of roots) for (const animation of root.getAnimations()) seen.add(animation);
      let ended = false;
      let nextEnd = Infinity;
      for (const animation of seen) {
        if (animation.timeline !== document.timeline) continue; // driven by scrolling
        const result = setAnimation(animation, mayFinish);
        ended ||= result.ended;
        nextEnd = Math.min(nextEnd, result.end);
      }
      for (const root of roots)
        for (const svg of root.querySelectorAll('svg')) if (!svg.ownerSVGElement) setDrawing(svg);
      return { ended, nextEnd };
    },
  };
}
