import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A POV-Ray scene whose frames take as long as asked for on any machine, give or take: its parser waits for the clock
 * (`now`, in days) before there is anything to render. @returns the scene's path
 */
export async function writeSlowScene(folder: string, secondsPerFrame: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'slow.pov');
  await writeFile(
    file,
    `#version 3.7;
global_settings { assumed_gamma 1 }
#declare Until = now + ${secondsPerFrame} / 86400;
#while (now < Until) #end
camera { location <0, 0, -3> look_at 0 }
light_source { <2, 4, -3> rgb 1 }
sphere { 0, 1 pigment { rgb <frame_number / 20, 0.4, 0.8> } }
`,
  );
  return file;
}
