import { isDeepStrictEqual } from 'node:util';
import { sql, type Selectable } from 'kysely';
import type { Template, TemplateRequest, TemplateVersions } from '../../shared/contracts/api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import { FarmError } from '../../shared/domain/errors.ts';

/** Templates are never changed: a new content is a new version. */
export class TemplateStore {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The newest version of each, by name. */
  async list(): Promise<Template[]> {
    const rows = await this.#ledger
      .selectFrom('templates')
      .distinctOn('name')
      .selectAll()
      .orderBy('name')
      .orderBy('version', 'desc')
      .execute();
    return rows.map(toTemplate);
  }

  /**
   * What is stored of one name, newest first.
   * @param below only versions under this one
   * @throws FarmError `not-found` where there is no template of this name
   */
  async versions(name: string, limit: number, below: number | undefined): Promise<TemplateVersions> {
    const rows = await this.#ledger
      .selectFrom('templates')
      .selectAll()
      .where('name', '=', name)
      .$if(below !== undefined, (q) => q.where('version', '<', below ?? 0))
      .orderBy('version', 'desc')
      .limit(limit + 1)
      .execute();
    if (rows.length === 0) await this.get(name);
    const versions = rows.slice(0, limit).map((row) => {
      const { version, label, engine, asset, createdAt } = toTemplate(row);
      return { version, label, engine, asset, createdAt };
    });
    return { name, versions, next: rows.length > limit ? (versions.at(-1)?.version ?? null) : null };
  }

  /**
   * @param version the newest when left out.
   * @throws FarmError `not-found`
   */
  async get(name: string, version?: number): Promise<Template> {
    const row = await this.#ledger
      .selectFrom('templates')
      .selectAll()
      .where('name', '=', name)
      .$if(version !== undefined, (q) => q.where('version', '=', version ?? 0))
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row) return toTemplate(row);
    const which = version === undefined ? name : `${name}@${version}`;
    const names = (await this.list()).map((template) => template.name);
    const there = names.length === 0 ? 'none is registered' : `there are: ${names.slice(0, 20).join(', ')}`;
    throw new FarmError('not-found', `There is no template ${which}; ${there}.`);
  }

  /**
   * Stores a new version, unless the newest is equal. Two pushes of one name take turns.
   * @throws FarmError `conflict` when it asks for another number than the next: versions are never changed, and none is left out.
   */
  async put(request: TemplateRequest): Promise<{ template: Template; existing: boolean }> {
    return this.#ledger.transaction().execute(async (transaction) => {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`template:${request.name}`}, 0))`.execute(
        transaction,
      );
      const newest = await transaction
        .selectFrom('templates')
        .selectAll()
        .where('name', '=', request.name)
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      const same = await this.#equalVersion(transaction, request, newest);
      if (same) return { template: toTemplate(same), existing: true };
      const version = (newest?.version ?? 0) + 1;
      if (request.version !== undefined && request.version !== version) throw wrongVersion(request, version);
      const row = await transaction
        .insertInto('templates')
        .values({
          name: request.name,
          version,
          engine: request.engine,
          label: request.label,
          asset: request.asset,
          scene_path: request.scenePath,
          preview: request.preview ?? null,
          schema: JSON.stringify(request.schema),
          slots: JSON.stringify(request.slots),
          defaults: JSON.stringify(request.defaults),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return { template: toTemplate(row), existing: false };
    });
  }

  /** The version that the request asks for, or else the newest, if it is what the request would store. */
  async #equalVersion(
    transaction: Ledger,
    request: TemplateRequest,
    newest: Selectable<TemplatesTable> | undefined,
  ): Promise<Selectable<TemplatesTable> | undefined> {
    const { name, version } = request;
    const row =
      version === undefined || version === newest?.version
        ? newest
        : await transaction
            .selectFrom('templates')
            .selectAll()
            .where('name', '=', name)
            .where('version', '=', version)
            .executeTakeFirst();
    return row && isSame(toTemplate(row), request) ? row : undefined;
  }
}

function wrongVersion({ name, version = 0 }: TemplateRequest, next: number): FarmError {
  const why =
    version < next
      ? `${name}@${version} is there with another content, and versions are never changed`
      : `the newest version of ${name} is ${next - 1}`;
  return new FarmError('conflict', `${why}; store it as version ${next}, or leave the version out.`, {
    issues: [{ path: 'version', value: String(version), expected: String(next) }],
  });
}

function isSame(template: Template, request: TemplateRequest): boolean {
  const { version, createdAt } = template;
  return isDeepStrictEqual(template, { ...request, version, createdAt });
}

function toTemplate(row: Selectable<TemplatesTable>): Template {
  return {
    name: row.name,
    version: row.version,
    label: row.label,
    engine: row.engine,
    asset: row.asset,
    scenePath: row.scene_path,
    ...(row.preview === null ? {} : { preview: row.preview }),
    schema: row.schema as Template['schema'],
    slots: row.slots,
    defaults: row.defaults as Template['defaults'],
    createdAt: row.created_at.toISOString(),
  };
}
