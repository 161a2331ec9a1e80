/**
 * The benchmark: `npm run bench`, or `npm run bench -- ingest` for a part. Each figure stands
 * beside its limit or peer of the same run. This process is the load; what it measures runs in
 * processes of its own. See README.md for what the parts are and what was learnt from them.
 */
import { parseArgs } from 'node:util';
import { endAll } from './harness/end.mjs';
import { printTable, progress, say, writeResults } from './harness/report.mjs';
import { printSettings } from './harness/settings.mjs';

const PARTS = [
  ...['ingest', 'single', 'page', 'deep', 'aggregates', 'meters', 'fanout', 'latency', 'memory'],
  ...['start', 'stalled', 'consumers', 'webhooks', 'doors', 'growth', 'cpu', 'evidence'],
];

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      events: { type: 'string' },
      'snapshot-seconds': { type: 'string' },
      minutes: { type: 'string' },
      beside: { type: 'string' },
    },
  });
  const unknown = positionals.filter(name => !PARTS.includes(name));
  if (unknown.length > 0) {
    throw new Error(`there is no part ${unknown.join(', ')}: the parts are ${PARTS.join(', ')}`);
  }
  const number = name => (values[name] === undefined ? undefined : Number(values[name]));
  return {
    parts: positionals.length > 0 ? positionals : PARTS,
    options: {
      rounds: number('rounds'),
      seconds: number('seconds'),
      events: number('events'),
      snapshotSeconds: number('snapshot-seconds'),
      minutes: number('minutes'),
      beside: values.beside,
    },
  };
}

async function main() {
  const { parts, options } = readArguments();
  const settings = await printSettings(options);
  const rows = [];
  for (const name of parts) {
    const part = await import(`./parts/${name}.mjs`);
    say(`\n${name}: ${part.about}`);
    const found = await part.run(options);
    printTable(found);
    rows.push(...found.map(row => ({ part: name, ...row })));
  }
  if (parts.length > 1) {
    say('\nall');
    printTable(rows);
  }
  say(`\nwritten to ${writeResults({ settings, rows })}`);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => endAll().finally(() => process.exit(130)));
}
try {
  await main();
} catch (error) {
  progress('');
  const isMissing = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'PEERS_MISSING';
  console.error(isMissing ? error.message : error);
  process.exitCode = 1;
}
await endAll();
process.exit();
