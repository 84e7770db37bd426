import type { Selectable } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import type { SceneRef } from '../../shared/contracts/messages.ts';
import { describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { parseRootReference } from '../../shared/domain/root-paths.ts';
import type { AssetManifests } from './asset-manifests.ts';
import type { DraftStep, ResolvedScene } from './job-plan.ts';
import type { TemplateData } from './template-data.ts';

const ASSET = /^asset:([0-9a-f]{64})\/(.+)$/;
/** How long it is believed that a version of a template, which never changes, is there: rows of a batch name the same. */
const TEMPLATES_KEPT_MS = 2_000;
const KEPT_TEMPLATES = 64;
const TEMPLATE = /^template:([^@]+)(?:@(\d+))?$/;

/** Turns scene references into what a worker can fetch, and data into values of the engine's slots. */
export class SceneResolver {
  readonly #ledger: Ledger;
  readonly #manifests: AssetManifests;
  readonly #templateData: TemplateData;
  readonly #templates = new Map<string, { until: number; template: Selectable<TemplatesTable> }>();

  constructor(ledger: Ledger, manifests: AssetManifests, templateData: TemplateData) {
    this.#ledger = ledger;
    this.#manifests = manifests;
    this.#templateData = templateData;
  }

  /**
   * @param issues gets what is wrong with the step's scene, data or files named in its settings.
   * @throws FarmError `unavailable` when Postgres or S3 does not answer.
   */
  async resolve(step: DraftStep, issues: InputIssue[]): Promise<ResolvedScene> {
    await this.#checkFiles(step, issues);
    const template = step.scene === undefined ? null : TEMPLATE.exec(step.scene);
    if (template) return this.#fromTemplate(step, template[1] ?? '', template[2], issues);
    const scene =
      step.scene === undefined ? null : await this.#asset(step.scene, `${step.path}scene`, issues);
    // Without a template it goes to the engine as it is, as far as the engine takes such (plan-step.ts).
    return { scene, data: step.data ?? {}, defaults: {} };
  }

  async #fromTemplate(
    step: DraftStep,
    name: string,
    version: string | undefined,
    issues: InputIssue[],
  ): Promise<ResolvedScene> {
    const template = await this.#template(name, version);
    if (!template) {
      issues.push({
        path: `${step.path}scene`,
        value: describeValue(step.scene),
        expected: await this.#templateNames(name),
      });
      return { scene: null, data: {}, defaults: {}, unknownTemplate: true };
    }
    if (template.engine !== step.engine)
      issues.push({
        path: `${step.path}engine`,
        value: describeValue(step.engine),
        expected: `${describeValue(template.engine)}, the engine of template ${name}`,
      });
    const checked = this.#templateData.check(
      `${name}@${template.version}`,
      template.schema,
      step.data ?? {},
      `${step.path}data`,
    );
    issues.push(...checked.issues);
    const data: Record<string, unknown> = {};
    for (const [parameter, slot] of Object.entries(template.slots))
      if (Object.hasOwn(checked.data, parameter)) data[slot.slot] = checked.data[parameter];
    await this.#manifests.use(template.asset);
    return {
      scene: { asset: template.asset, path: template.scene_path },
      data,
      defaults: template.defaults,
    };
  }

  async #template(
    name: string,
    version: string | undefined,
  ): Promise<Selectable<TemplatesTable> | undefined> {
    const key = `${name}@${version ?? ''}`;
    const known = this.#templates.get(key);
    if (known && performance.now() < known.until) return known.template;
    let query = this.#ledger.selectFrom('templates').selectAll().where('name', '=', name);
    if (version !== undefined) query = query.where('version', '=', Number(version));
    const template = await query.orderBy('version', 'desc').limit(1).executeTakeFirst();
    // Which version is the newest is asked each time.
    if (template && version !== undefined) this.#keep(key, template);
    return template;
  }

  #keep(key: string, template: Selectable<TemplatesTable>): void {
    this.#templates.delete(key);
    this.#templates.set(key, { until: performance.now() + TEMPLATES_KEPT_MS, template });
    const oldest = this.#templates.keys().next().value;
    if (this.#templates.size > KEPT_TEMPLATES && oldest !== undefined) this.#templates.delete(oldest);
  }

  async #templateNames(name: string): Promise<string> {
    const rows = await this.#ledger
      .selectFrom('templates')
      .select(({ fn }) => ['name', fn.max('version').as('newest')])
      .groupBy('name')
      .orderBy('name')
      .limit(20)
      .execute();
    if (rows.length === 0) return 'a template; this farm has none yet';
    const same = rows.find((row) => row.name === name);
    if (same) return `template:${name}@${same.newest} or an older version of it`;
    return `one of ${rows.map((row) => `template:${row.name}`).join(', ')}`;
  }

  async #asset(reference: string, path: string, issues: InputIssue[]): Promise<SceneRef | null> {
    const onRoot = parseRootReference(reference);
    if (onRoot) return onRoot; // checked with all that the job needs of shared storage (root-references.ts)
    const match = ASSET.exec(reference);
    const sha256 = match?.[1];
    const file = match?.[2];
    if (sha256 === undefined || file === undefined || !isSafePath(file)) {
      issues.push({
        path,
        value: describeValue(reference),
        expected: '"asset:<sha256>/<path>" with a plain path',
      });
      return null;
    }
    const paths = await this.#manifests.paths(sha256);
    if (!paths)
      issues.push({
        path,
        value: describeValue(reference),
        expected: 'an asset that has been uploaded; this one is not here',
      });
    else if (!paths.has(file))
      issues.push({
        path,
        value: describeValue(file),
        expected: `a file of the asset: ${[...paths].slice(0, 5).join(', ')}${paths.size > 5 ? ' …' : ''}`,
      });
    return { asset: sha256, path: file };
  }

  /** Files that settings name, such as the sound of a video. */
  async #checkFiles(step: DraftStep, issues: InputIssue[]): Promise<void> {
    for (const name of describeEngine(step.engine)?.fileSettings ?? []) {
      const reference = step.settings?.[name];
      if (typeof reference === 'string') await this.#asset(reference, `${step.path}settings.${name}`, issues);
    }
  }
}
