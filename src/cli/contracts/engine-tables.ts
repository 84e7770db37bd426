import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { FARM_PLACEHOLDERS, INPUT_PARTS } from '../../shared/engines/placeholders.ts';
import { ENGINES_FOLDER } from '../../shared/engines/shipped-definitions.ts';
import { replaysOf, sourceOf } from '../../shared/engines/replay.ts';
import { join } from 'node:path';
import { code, markdownTable } from './markdown.ts';

const STATUS = {
  'run-here': 'run here',
  recorded: 'not run here; its output was recorded elsewhere',
  'from-documentation': 'not run here; from its documentation',
};

/** The generated parts of docs/engines.md by the name in their markers. */
export function engineTables(): Record<string, string> {
  return { 'all engines': allEngines(), placeholders: placeholders() };
}

function allEngines(): string {
  const catalogue = engineCatalogue();
  return markdownTable(
    ['engine', 'what it is', 'status', 'logs', 'licence', 'run by'],
    catalogue.list().map(({ id, label, status, licence }) => {
      const logs = replaysOf(join(ENGINES_FOLDER, id)).map(sourceOf);
      const recorded = logs.filter((source) => source === 'recorded').length;
      const typed = logs.length - recorded;
      const definition = catalogue.definition(id)?.definition;
      return [
        code(id),
        label,
        STATUS[status],
        [recorded > 0 ? `${recorded} recorded` : '', typed > 0 ? `${typed} from documentation` : '']
          .filter((text) => text !== '')
          .join(', '),
        licence ?? 'none',
        definition?.adapter === undefined
          ? 'its definition'
          : `its definition and ${code(definition.adapter)}`,
      ];
    }),
  );
}

function placeholders(): string {
  const others = {
    'settings.NAME': 'a setting, or a value inside of it: `{settings.animation.cyclic}`',
    'data.NAME': 'a value of the job’s data',
    'input.NAME': 'the file of another step for this frame',
    ...Object.fromEntries(Object.entries(INPUT_PARTS).map(([part, text]) => [`input.NAME.${part}`, text])),
    'item, key, value': 'in `args` of an `each`',
  };
  return markdownTable(
    ['placeholder', 'stands for'],
    Object.entries({ ...FARM_PLACEHOLDERS, ...others }).map(([name, text]) => [code(`{${name}}`), text]),
  );
}
