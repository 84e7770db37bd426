import { describe, expect, it } from 'vitest';
import { PovrayOutput } from './parse-output.ts';

function read(text: string): PovrayOutput {
  const output = new PovrayOutput();
  for (const line of text.split('\n')) output.read(line);
  return output;
}

// Recorded from POV-Ray 3.7.0.10 (Debian 12).
const NO_INCLUDE = `==== [Parsing...] ==========================================================
File 'm1.pov' line 2: Possible Parse Error: Cannot find
 file 'nothere.inc', even after trying to append file type extension.
File 'm1.pov' line 2: Parse Error: Cannot open include
 file nothere.inc.
Fatal error in parser: Cannot parse input.
Render failed`;

describe('POV-Ray output', () => {
  it('gives the share of pixels', () => {
    const output = new PovrayOutput();
    expect(output.read('Rendered 4096 of 14400 pixels (28%)')).toBeCloseTo(0.284);
    expect(output.read('Rendered 0 of 0 pixels (0%)')).toBeNull();
    expect(output.failure()).toBeNull();
  });

  it('puts wrapped messages together and knows a missing file', () => {
    expect(read(NO_INCLUDE).failure()).toEqual({
      class: 'missing-asset',
      message:
        "File 'm1.pov' line 2: Possible Parse Error: Cannot find file 'nothere.inc', even after trying to append file " +
        "type extension. File 'm1.pov' line 2: Parse Error: Cannot open include file nothere.inc.",
    });
  });

  it("gives the scene's own words of an #error", () => {
    const output = read(`File 'm3.pov' line 3: Parse Error: Parse halted by #error
 directive: the radius must not
 be negative
Fatal error in parser: Cannot parse input.`);
    expect(output.failure()).toEqual({
      class: 'scene',
      message:
        "File 'm3.pov' line 3: Parse Error: Parse halted by #error directive: the radius must not be negative",
    });
  });

  it('fails for a fatal line without an explanation', () => {
    expect(read('Render failed').failure()).toEqual({ class: 'scene', message: 'Render failed' });
    expect(read('Cannot create render state output file.\nRender failed').failure()?.message).toContain(
      'output file',
    );
  });

  it('keeps warnings apart', () => {
    const output = read(`File 'a.pov' line 1: Parse Warning: assumed_gamma not
 specified, so gamma_correction is turned off.
Rendered 10 of 10 pixels (100%)`);
    expect(output.failure()).toBeNull();
    expect(output.warnings).toEqual([
      "File 'a.pov' line 1: Parse Warning: assumed_gamma not specified, so gamma_correction is turned off.",
    ]);
  });
});
