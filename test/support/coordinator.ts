import type { DependencyContainer } from 'tsyringe';
import { coordinatorEnvironment, readEnvironment } from '../../src/shared/config/environment.ts';
import { createContainer } from '../../src/coordinator/container.ts';
import { startCoordinator } from '../../src/coordinator/coordinator.ts';
import { connectLedger } from '../../src/shared/database/connect.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import { Lifecycle } from '../../src/shared/lifecycle/lifecycle.ts';
import { connectNats } from '../../src/shared/messaging/connection.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { createTestContext, type TestContext } from './farm-context.ts';
import { ScriptedWorker, type ScriptedWorkerOptions } from './scripted-worker.ts';

export interface TestCoordinator {
  id: string;
  parts: DependencyContainer;
  stop: () => Promise<void>;
}

/** Other ways to the servers, such as through a proxy that a test can cut. */
export interface CoordinatorLinks {
  databaseUrl?: string;
  natsUrl?: string;
}

/** A coordinator in this process, made of exactly what `src/coordinator/main.ts` makes it of. */
export async function startTestCoordinator(
  context: TestContext,
  links: CoordinatorLinks = {},
  variables: Record<string, string> = {},
): Promise<TestCoordinator> {
  const environment = readEnvironment(coordinatorEnvironment, {
    ...context.environmentOf('coordinator'),
    ...variables,
  });
  const lifecycle = new Lifecycle(context.log);
  const id = newId('c');
  const parts = createContainer({
    log: context.log,
    environment,
    coordinatorId: id,
    ledger: connectLedger(links.databaseUrl ?? context.databaseUrl, context.log),
    nats: await connectNats(
      {
        ...context.natsSettings('coordinator'),
        ...(links.natsUrl === undefined ? {} : { url: links.natsUrl }),
      },
      'coordinator',
      `test ${id}`,
      context.log,
    ),
    s3: createS3Client(context.s3Settings),
  });
  await startCoordinator(parts, lifecycle);
  return { id, parts, stop: () => lifecycle.stop() };
}

/** Servers, one coordinator and as many scripted workers as a test wants. */
export interface CoordinatorFarm {
  context: TestContext;
  coordinator: TestCoordinator;
  work: (options?: ScriptedWorkerOptions) => Promise<ScriptedWorker>;
  dispose: () => Promise<void>;
}

export async function createCoordinatorFarm(
  linksTo: (context: TestContext) => Promise<CoordinatorLinks> = async () => ({}),
): Promise<CoordinatorFarm> {
  const context = await createTestContext();
  const coordinator = await startTestCoordinator(context, await linksTo(context));
  const workers: ScriptedWorker[] = [];
  return {
    context,
    coordinator,
    work: async (options) => {
      const worker = new ScriptedWorker(await context.connectAs('worker'), options).start();
      workers.push(worker);
      return worker;
    },
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await coordinator.stop();
      await context.dispose();
    },
  };
}
