import { z } from 'zod';
import { prefixProblem, type RootSystem } from '../domain/root-paths.ts';
import { ID_PATTERN, ID_RULE } from '../domain/ids.ts';

const rootNameSchema = z.string().regex(ID_PATTERN, ID_RULE);

const prefixOf = (system: RootSystem): z.ZodType<string | null> =>
  z
    .string()
    .min(1)
    .max(500)
    .superRefine((prefix, context) => {
      const problem = prefixProblem(system, prefix);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .nullable();

/** Where the folder of a root lies, by the kind of path that a machine knows it by; null: not on such machines. */
export const rootPrefixesSchema = z.strictObject({
  /** `/mnt/show` */
  linux: prefixOf('linux'),
  /** `/Volumes/show` */
  mac: prefixOf('mac'),
  /** `S:\show` */
  windows: prefixOf('windows'),
  /** `\\nas\show` */
  unc: prefixOf('unc'),
});

/** Storage that workers mount; `root:<name>/<path>` is a file on it. */
export const storageRootSchema = rootPrefixesSchema.extend({ name: rootNameSchema });
export type StorageRoot = z.infer<typeof storageRootSchema>;

/** `PUT /api/roots/:name`; a prefix that is left out is none. */
export const rootBodyPrefixes = rootPrefixesSchema.partial().shape;

/** `GET /api/roots`: with how many workers have each mounted now. */
export const rootsSchema = z.object({
  roots: z.array(storageRootSchema.extend({ workers: z.int() })),
});
export type Roots = z.infer<typeof rootsSchema>;
