/** PostGraphile 5 over the schema `peer` of the database that it is given. */
import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { addressOf } from '../harness/address.mjs';

// It is written for Node 22, and asks Node 20 for no more than this.
Promise.withResolvers ??= () => {
  let resolve;
  let reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
};

const server = createServer();
server.on('error', error => {
  throw error;
});
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      schemas: ['peer'],
      poolConfig: { ...addressOf(process.argv[2]), max: 10 },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', watch: false, websockets: false },
  grafast: { explain: false },
});
await instance.createServ(grafserv).addTo(server);
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
