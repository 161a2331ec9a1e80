// Stands for a gateway that is to be killed: starts the Postgres of a folder and tells its URL.
import { startEmbeddedPostgres } from '../../../src/db/embedded.ts';

const [dataDir = ''] = process.argv.slice(2);
const postgres = await startEmbeddedPostgres({ dataDir, log: console.error });
console.log(postgres.url);
setInterval(() => {}, 60_000);
