import { z } from 'zod';

/** What `farmhand invite` writes and `farmhand worker --join` reads: how another machine reaches the farm, as a worker. */
export const joinSchema = z.strictObject({
  version: z.literal(1),
  /** The farm's name, for people. */
  farm: z.string().min(1).max(200),
  natsUrl: z.string().regex(/^(nats|tls|wss?):\/\/\S+$/, 'a URL such as nats://192.168.1.5:4222'),
  natsUser: z.string().min(1),
  natsPassword: z.string().min(1),
  s3: z.strictObject({
    endpoint: z.url({ protocol: /^https?$/, error: 'an http(s) URL' }),
    bucket: z.string().min(1).max(63),
    region: z.string().min(1),
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
  }),
});
export type Join = z.infer<typeof joinSchema>;
