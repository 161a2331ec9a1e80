import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../config/config.ts';
import { startGateway, type Gateway } from '../gateway/gateway.ts';
import { createLog } from '../observability/log.ts';
import { tellOfTracing } from '../observability/tracing.ts';
import { writeOwnFile } from '../security/own-file.ts';
import { ADDRESS_FILE } from './gateway-connection.ts';
import { mistypedSettings } from './mistyped-settings.ts';

/** Ends by force when an ordered stop takes longer than this: a supervisor would, anyway. */
const STOP_WITHIN_MS = 10_000;

export async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  for (const sentence of mistypedSettings(process.env)) log.warn({}, sentence);
  if (config.otlpEndpoint !== null) tellOfTracing(log);
  // What goes into a pipe or a file is a log, which others read, too.
  const showsKey = process.stdout.isTTY;
  const started = startGateway(config, log, showsKey);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
      started
        .then(gateway => gateway.stop())
        .then(
          () => process.exit(0),
          (err: unknown) => {
            log.error({ err }, 'the stop failed');
            process.exit(1);
          },
        );
    });
  }
  const gateway = await started;
  keepAddress(config.dataDir, gateway.url);
  greet(gateway, showsKey);
}

/** For commands that are run in this folder; where it cannot be kept they need SLUICE_URL. */
function keepAddress(dataDir: string, url: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    writeOwnFile(join(dataDir, ADDRESS_FILE), `${url}\n`, 0o644);
  } catch {
    // A container's folder may not be written to.
  }
}

function greet({ url, newAdminKey, notes }: Gateway, showsKey: boolean): void {
  const lines = [
    '',
    `  Sluice is ready at ${url}`,
    `  Console:   ${url}/`,
    `  GraphiQL:  ${url}/graphql`,
    ...(newAdminKey !== null && showsKey
      ? [`  Admin key: ${newAdminKey}   (shown only once)`]
      : []),
    ...notes.map(note => `  ${note}`),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
