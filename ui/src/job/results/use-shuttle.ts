import { useEventListener, useRafFn } from '@vueuse/core';
import { ref, type Ref } from 'vue';
import { nextRate } from './shuttle.ts';

interface Shuttle {
  /** 0 stands, below 0 plays backwards; 1 is the speed of the video. */
  rate: Ref<number>;
  /** Seconds. */
  time: Ref<number>;
  duration: Ref<number>;
  /** J, K and L of editing desks: each J or L once more is faster, K stands. */
  press: (key: 'j' | 'k' | 'l') => void;
  toggle: () => void;
  seek: (seconds: number) => void;
  /** Goes on at a rate, with another video or another `speed`. */
  play: (rate: number) => void;
}

/**
 * Plays a `<video>` both ways. Browsers play forwards only; backwards is sought frame by frame.
 * @param speed the video's playback rate at a rate of the shuttle
 */
export function useShuttle(
  video: Readonly<Ref<HTMLVideoElement | null>>,
  speed: (rate: number) => number,
): Shuttle {
  const rate = ref(0);
  const time = ref(0);
  const duration = ref(0);

  const backwards = useRafFn(
    ({ delta }) => {
      const element = video.value;
      if (!element || element.seeking) return;
      element.currentTime = Math.max(0, element.currentTime + (speed(rate.value) * delta) / 1_000);
      if (element.currentTime > 0) return;
      if (element.loop) element.currentTime = element.duration;
      else set(0);
    },
    { immediate: false },
  );

  function set(next: number): void {
    const element = video.value;
    rate.value = next;
    if (!element) return;
    if (next > 0) {
      backwards.pause();
      element.playbackRate = speed(next);
      // Refused when the video was taken away meanwhile: then nothing plays, and the rate says so.
      element.play().catch(() => (rate.value = 0));
    } else {
      element.pause();
      if (next < 0) backwards.resume();
      else backwards.pause();
    }
  }

  useEventListener(video, ['timeupdate', 'seeked', 'loadedmetadata'], () => {
    time.value = video.value?.currentTime ?? 0;
    duration.value = Number.isFinite(video.value?.duration) ? (video.value?.duration ?? 0) : 0;
  });
  useEventListener(video, 'ended', () => (rate.value = 0));

  return {
    rate,
    time,
    duration,
    press: (key) => set(nextRate(rate.value, key)),
    play: set,
    toggle: () => set(rate.value === 0 ? 1 : 0),
    seek: (seconds) => {
      const element = video.value;
      if (!element) return;
      // Told at once: who goes on by a frame before the browser is there means the next one.
      time.value = Math.min(Math.max(seconds, 0), duration.value);
      element.currentTime = time.value;
    },
  };
}
