/**
 * Webhooks: from the commit of an event to its receiver, at 200 events/s; and to the receivers of 90
 * webhooks, with ten more beside them that are dead.
 */
import { createServer } from 'node:http';
import { graphql } from '../harness/http.mjs';
import { paced } from '../harness/live.mjs';
import { startGateway } from '../harness/processes.mjs';
import { alternate, median, percentile } from '../harness/rounds.mjs';

export const about = 'commit to webhook received; 100 webhooks of which 10 are dead';

const PER_SECOND = 200;
/** Each event goes to 90 receivers: 450 requests a second. */
const MANY_PER_SECOND = 5;
const LIVING = 90;
const DEAD = 10;
const PATIENCE_MS = 60_000;
const env = { SLUICE_WEBHOOK_PRIVATE_NETWORKS: 'true' };

export async function run({ rounds, seconds = 10 }) {
  const receiver = await startReceiver();
  const hanging = await startServer(() => undefined);
  const one = await startGateway({ env });
  const all = await startGateway({ env });
  const some = await startGateway({ env });
  await createWebhook(one.port, 'one', receiver.url);
  for (const { port } of [all, some]) {
    for (let n = 0; n < LIVING; n++) await createWebhook(port, `living-${n}`, receiver.url);
  }
  for (let n = 0; n < DEAD; n++) await createWebhook(some.port, `dead-${n}`, hanging.url);
  const results = await alternate(rounds, {
    one: () => receiver.watch(one.port, { perSecond: PER_SECOND, seconds, each: 1 }),
    living: () => receiver.watch(all.port, { perSecond: MANY_PER_SECOND, seconds, each: LIVING }),
    dead: () => receiver.watch(some.port, { perSecond: MANY_PER_SECOND, seconds, each: LIVING }),
  });
  for (const { stop } of [one, all, some]) await stop();
  for (const { stop } of [receiver, hanging]) stop();
  const samples = results;
  const of = (name, share) => median(results[name].map(each => each[share]));
  const many = `${LIVING} webhooks`;
  return [
    ...[
      { what: `commit to webhook received, ${PER_SECOND} events/s, p50`, share: 'p50', at: 15 },
      { what: `commit to webhook received, ${PER_SECOND} events/s, p99`, share: 'p99', at: 100 },
    ].map(({ what, share, at }) => ({
      ...{ what, value: of('one', share), unit: 'ms', samples, reach: `≤ ${at}` },
    })),
    ...['p50', 'p99'].map(share => ({
      ...{ what: `commit to ${many}, ${DEAD} dead ones beside them, ${share}`, samples },
      ...{ value: of('dead', share), unit: 'ms' },
      ...{ beside: 'without', peer: of('living', share), reach: '≤ 1.2' },
    })),
  ];
}

function createWebhook(port, name, url) {
  return graphql(
    port,
    `
      mutation ($name: String!, $url: String!) {
        createWebhook(input: { name: $name, url: $url, from: { start: NOW }, timeout: "PT5S" }) {
          consumer {
            id
          }
        }
      }
    `,
    { name, url },
  );
}

async function startServer(answer) {
  const server = createServer(answer);
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Takes the time from `recordedAt`, which the flush gives before it commits. */
async function startReceiver() {
  let times = [];
  const server = await startServer(async (request, response) => {
    const nowMs = Date.now();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    times.push(nowMs - Date.parse(JSON.parse(Buffer.concat(chunks)).data.recordedAt));
  });
  async function receive(port, { perSecond, seconds, each }) {
    times = [];
    await paced(port, { perSecond, seconds });
    const wanted = perSecond * seconds * each;
    const untilMs = performance.now() + PATIENCE_MS;
    while (times.length < wanted && performance.now() < untilMs) {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    if (times.length !== wanted) throw new Error(`${times.length} of ${wanted} were received`);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  }
  return {
    ...server,
    async watch(port, asked) {
      await receive(port, { ...asked, seconds: 1 });
      return receive(port, asked);
    },
  };
}
