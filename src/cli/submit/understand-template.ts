import { UsageError } from '../support/exit-codes.ts';
import { printable } from '../support/output.ts';
import { count } from '../support/table.ts';
import { understoodFrames, type SubmitFlags, type Work } from './build-document.ts';
import { typedParams } from './params.ts';
import type { PrepareTools } from './prepare.ts';
import { readData } from './read-data.ts';

/**
 * The work that a template describes, with `--param` and `--data` as its data.
 * @param ref `template:<name>` or `template:<name>@<version>`
 * @throws UsageError for flags that do not fit; RefusedError when the farm has no such template.
 */
export async function understoodTemplate(
  ref: string,
  flags: SubmitFlags,
  { farm, say }: Pick<PrepareTools, 'farm' | 'say'>,
): Promise<Work> {
  const [, name, version] = /^template:([^@]+)(?:@(\d{1,9}))?$/.exec(ref) ?? [];
  if (name === undefined)
    throw new UsageError(`${JSON.stringify(ref)} is not template:<name> or template:<name>@<version>.`);
  const client = await farm();
  const template = await client.template(name, version === undefined ? undefined : Number(version));
  if (flags.engine !== undefined && flags.engine !== template.engine)
    throw new UsageError(`--engine ${flags.engine}: the template ${name} is rendered by ${template.engine}.`);
  const frames = flags.frames ?? template.defaults.frames;
  if (frames === undefined)
    throw new UsageError(`The template ${name} has no frame range of its own; say which with --frames.`);
  const range = understoodFrames(frames);
  const data = {
    ...(flags.data === undefined ? {} : await readData(flags.data)),
    ...typedParams(flags.param ?? [], template.schema, `the template ${name}`),
  };
  const fps = template.defaults.output?.fps;
  say(
    printable(
      `${ref}: ${template.label}, ${template.engine}, frames ${range.text} (${count(range.count, 'frame')})`,
    ),
  );
  const own = template.defaults.frames;
  if (own !== undefined && own !== range.text)
    say(
      printable(
        `  the template's own range is ${own}; whether it has other frames is seen when they are rendered`,
      ),
    );
  return {
    name: template.label,
    engine: template.engine,
    scene: ref,
    frames: range.text,
    ...(fps === undefined ? {} : { fps }),
    data,
  };
}
