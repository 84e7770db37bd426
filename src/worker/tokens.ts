/** What the container makes, by symbol. */
export const TOKENS = {
  problems: Symbol('problems'),
  disk: Symbol('disk'),
  link: Symbol('link'),
  engines: Symbol('engines'),
  store: Symbol('store'),
  cache: Symbol('cache'),
  pool: Symbol('pool'),
  registry: Symbol('registry'),
  outbox: Symbol('outbox'),
  asks: Symbol('asks'),
  acks: Symbol('acks'),
  readoption: Symbol('readoption'),
  runner: Symbol('runner'),
  intake: Symbol('intake'),
  worker: Symbol('worker'),
} as const;
