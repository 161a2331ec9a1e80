/**
 * What `consumers` compares with: pg-boss and graphile-worker on the same Postgres, and NATS
 * JetStream. Each fills its queue, then takes and settles what is in it, in batches or one by one.
 */
import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Logger, makeWorkerUtils, run as runWorker } from 'graphile-worker';
import PgBoss from 'pg-boss';
import { anEvent } from '../harness/events.mjs';

const [, , kind, url] = process.argv;
const QUEUE = 'bench';
const QUIET = new Logger(() => () => undefined);

function someJobs(count) {
  return Array.from({ length: count }, () => anEvent());
}

/** Runs so many workers; each goes on until together they have settled `count`. */
async function work({ workers, count }, takeAndSettle) {
  let left = count;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (left > 0) {
        const done = await takeAndSettle();
        left -= done;
      }
    }),
  );
  return performance.now() - startedMs;
}

async function pgBoss() {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, max: 20 });
  boss.on('error', error => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    fill: count => boss.insert(someJobs(count).map(data => ({ name: QUEUE, data }))),
    drain: ({ batch, ...asked }) =>
      work(asked, async () => {
        const jobs = await boss.fetch(QUEUE, { batchSize: batch });
        if (jobs.length > 0)
          await boss.complete(
            QUEUE,
            jobs.map(({ id }) => id),
          );
        return jobs.length;
      }),
  };
}

/** It pulls by itself: in batches by its local queue, as its own documentation advises for speed. */
async function graphileWorker() {
  const utils = await makeWorkerUtils({ connectionString: url, logger: QUIET });
  await utils.migrate();
  return {
    fill: count => utils.addJobs(someJobs(count).map(payload => ({ identifier: QUEUE, payload }))),
    async drain({ batch, workers, count }) {
      let done = 0;
      let isOver;
      const over = new Promise(resolve => (isOver = resolve));
      const runner = await runWorker({
        preset: {
          worker: {
            ...{ connectionString: url, maxPoolSize: 20, logger: QUIET, pollInterval: 50 },
            concurrentJobs: batch === 1 ? workers : 24,
            ...(batch > 1 && { localQueue: { size: batch }, completeJobBatchDelay: 0 }),
          },
        },
        taskList: {
          async [QUEUE]() {
            done += 1;
            if (done === count) isOver();
          },
        },
      });
      const startedMs = performance.now();
      await over;
      // It completes what it has not completed yet.
      await runner.stop();
      return performance.now() - startedMs;
    },
  };
}

/** In a file, as the others. An acknowledgement is confirmed by the server, as the others are. */
async function nats() {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const name = `sluice-bench-${process.pid}`;
  await manager.streams.add({ name, subjects: [name], storage: StorageType.File });
  await manager.consumers.add(name, {
    ...{ durable_name: QUEUE, ack_policy: AckPolicy.Explicit, max_ack_pending: 10_000 },
  });
  const stream = jetstream(connection);
  const consumer = await stream.consumers.get(name, QUEUE);
  process.on('SIGTERM', () =>
    manager.streams
      .delete(name)
      .finally(() => connection.close())
      .finally(() => process.exit()),
  );
  return {
    fill: count =>
      Promise.all(someJobs(count).map(event => stream.publish(name, JSON.stringify(event)))),
    drain: ({ batch, ...asked }) =>
      work(asked, async () => {
        const messages = [];
        for await (const message of await consumer.fetch({ max_messages: batch, expires: 1_000 })) {
          message.json();
          messages.push(message);
        }
        const last = messages.pop();
        for (const message of messages) message.ack();
        await last?.ackAck();
        return messages.length + (last === undefined ? 0 : 1);
      }),
  };
}

const PEERS = { 'pg-boss': pgBoss, 'graphile-worker': graphileWorker, nats };
const peer = await PEERS[kind]();
process.on('message', async ({ fill, drain }) => {
  try {
    if (fill !== undefined) {
      for (let left = fill; left > 0; left -= 1_000) await peer.fill(Math.min(1_000, left));
      process.send({ answer: null });
    } else process.send({ answer: await peer.drain(drain) });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.send(0);
