import { EngineFailure } from '../engines/engine.ts';

/** The time limits of one engine process, each in seconds; 0: no limit. */
export class EngineTimers {
  readonly #giveUp: (failure: EngineFailure) => void;
  #start: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #frame: NodeJS.Timeout | undefined;

  constructor(giveUp: (failure: EngineFailure) => void) {
    this.#giveUp = giveUp;
  }

  /** The engine has this long to say that it is ready. */
  awaitStart(seconds: number): void {
    this.started();
    this.#start = this.#limit(seconds, `was not ready within ${seconds} s`);
  }

  started(): void {
    clearTimeout(this.#start);
  }

  beginWork(silence: number, frame: number): void {
    this.endWork();
    this.#silence = this.#limit(silence, `printed nothing for ${silence} s`);
    this.#frame = this.#limit(frame, `did not finish the frame within ${frame} s`);
  }

  /** It printed something. */
  heard(): void {
    this.#silence?.refresh();
  }

  endWork(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#frame);
    this.#silence = this.#frame = undefined;
  }

  #limit(seconds: number, what: string): NodeJS.Timeout | undefined {
    if (seconds <= 0) return undefined;
    return timer(seconds, () => this.#giveUp(new EngineFailure('timeout', `The engine ${what}.`)));
  }
}

function timer(seconds: number, run: () => void): NodeJS.Timeout {
  // setTimeout takes at most 2^31 - 1 ms and runs longer ones at once.
  const handle = setTimeout(run, Math.min(seconds * 1000, 2_147_483_647));
  handle.unref();
  return handle;
}
