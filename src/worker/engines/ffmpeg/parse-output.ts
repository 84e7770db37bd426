import type { FailureClass } from '../../../shared/contracts/messages.ts';

const NOISE =
  /^(Conversion failed!|Error opening output files?|Task finished with error code|Terminating thread|\s*$)/;

/** Reads FFmpeg's `-progress pipe:3` (its fd 3, so that the log stays readable; `key=value` lines) and its warnings and errors (stderr). */
export class FfmpegOutput {
  readonly #errors: string[] = [];
  /** Frames written, or decoded when the output is null. */
  frames = 0;
  /** Whether it said that it came to the end. */
  ended = false;

  readProgress(line: string): void {
    const equals = line.indexOf('=');
    const value = line.slice(equals + 1).trim();
    if (line.startsWith('frame=') && /^\d{1,12}$/.test(value)) this.frames = Number(value);
    else if (line.startsWith('progress=')) this.ended = value === 'end';
  }

  readError(line: string): void {
    const text = line.replaceAll(/ @ 0x[0-9a-f]+/g, '').trim();
    if (!NOISE.test(text) && this.#errors.length < 50) this.#errors.push(text);
  }

  /** The first things that it complained about: the later ones follow from them. */
  get reason(): string | undefined {
    const errors = [...new Set(this.#errors)];
    return errors.length === 0 ? undefined : errors.slice(0, 3).join(' · ').slice(0, 2_000);
  }

  get failureClass(): FailureClass {
    const reason = this.reason ?? '';
    if (/No space left on device/i.test(reason)) return 'host';
    if (/Cannot allocate memory/i.test(reason)) return 'out-of-memory';
    return 'scene';
  }
}
