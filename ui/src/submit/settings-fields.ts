import type { EngineForm, Template } from '../../../src/shared/contracts/api.ts';
import type { SceneReport } from '../../../src/shared/contracts/inspect-api.ts';
import { fieldsOf, type FieldKind, type FormField } from '../templates/template-form.ts';

const PLAIN = { help: '', required: false, choices: [], initial: '' } as const;

/** An engine's settings as fields; what a scene says that it has may be chosen. */
export function settingFields({ settings }: EngineForm, report: SceneReport | undefined): FormField[] {
  const lists: Record<string, readonly string[]> = {
    scene: report?.scenes ?? [],
    camera: report?.cameras ?? [],
  };
  return fieldsOf({ schema: settings, slots: {} }).map((field) => choosable(field, lists[field.name] ?? []));
}

/** The data that a template takes, or what a scene says that may be replaced in it. */
export function dataFields(report: SceneReport | undefined, template: Template | undefined): FormField[] {
  if (template) return fieldsOf(template).map((field) => choosable(field, []));
  return (report?.slots ?? []).map(({ name, kind }) => ({ ...PLAIN, name, label: name, kind: kindOf(kind) }));
}

function kindOf(slot: SceneReport['slots'][number]['kind']): FieldKind {
  if (slot === 'colour' || slot === 'number') return slot;
  return slot === 'value' ? 'json' : 'text';
}

/** Left alone, a setting is the engine's own: no box that is on or off. */
function choosable(field: FormField, values: readonly string[]): FormField {
  const kept = field.initial === '' || field.kind === 'choice' ? '' : `Left empty: ${field.initial}.`;
  const hint = field.help === '' && field.kind === 'json' ? 'A list or object, as JSON.' : field.help;
  const help = [hint, kept].filter(Boolean).join(' ');
  if (field.kind === 'boolean') return { ...field, kind: 'choice', choices: [true, false], initial: '' };
  if (field.kind === 'text' && values.length > 0)
    return { ...field, kind: 'choice', choices: values, initial: '' };
  return { ...field, help, initial: '' };
}
