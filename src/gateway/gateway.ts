/**
 * The composition root: from settings to a gateway that serves. Read it top to bottom for what
 * there is, and `stop` for the order in which it ends.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { VERSION } from '../config/version.ts';
import { AUDIT_SLUG, AUDIT_WORKSPACE_ID } from '../core/audit.ts';
import { primaryConnections } from '../core/connection-shares.ts';
import { isExposed, readAddress } from '../db/address.ts';
import { createDatabase, type Database } from '../db/client.ts';
import { columnsOf, sqlText } from '../db/columns.ts';
import { startEmbeddedPostgres } from '../db/embedded.ts';
import { migrate } from '../db/migrate.ts';
import { workspaceMarks, workspaces } from '../db/schema.ts';
import { checkServer } from '../db/server-check.ts';
import type { Log } from '../observability/log.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { traced } from '../observability/trace.ts';
import { startTracing } from '../observability/tracing.ts';
import { createUnheardAudit, ensureAuditWorkspace } from '../record/audit.ts';
import { ensureAdminKey, type AdminKey } from '../security/admin-key.ts';
import { writeOwnFile } from '../security/own-file.ts';
import { createHttpService } from './http-service.ts';
import { createServices } from './services.ts';

const WORKSPACE = columnsOf(workspaces);
const MARKS = columnsOf(workspaceMarks);

export interface Gateway {
  readonly url: string;
  /** The first admin key, when it was made at this start: for a terminal, not for a log. */
  readonly newAdminKey: string | null;
  /** What an operator ought to know of this start. */
  readonly notes: readonly string[];
  /** Answers what runs, flushes what waits, ends streams with their cursors, closes the database. */
  stop(): Promise<void>;
}

const DEFAULT_WORKSPACE = { slug: 'default', name: 'Default' };

/** @param showsKey whether a new admin key is shown to somebody */
export async function startGateway(config: Config, log: Log, showsKey = false): Promise<Gateway> {
  const stops: (() => Promise<void>)[] = [];
  const stop = () => stopAll(stops.splice(0).reverse());
  try {
    if (config.otlpEndpoint !== null) stops.push(await startTracing(VERSION));
    const { url: databaseUrl, note } = await startStorage(config, log, stops);
    const metrics = createMetrics(VERSION);
    const db = createDatabase({
      url: databaseUrl,
      standbyUrl: config.databaseReadUrl,
      observe: (lane, work) => observeStatement(metrics, lane, work),
      readTimeoutMs: config.readTimeoutMs,
      connectionsMax: config.connectionsMax,
    });
    stops.push(() => db.stop());
    const connections = primaryConnections(config.connectionsMax, db.standby !== null);
    await db.checkSessions(connections);
    const serverNotes = await checkServer(db.upkeep, connections);
    await migrate(db.upkeep);
    const standbyNotes = (await db.standby?.start()) ?? [];
    const adminKey = await prepare(db, config, showsKey);
    const warnings = [...serverNotes, ...standbyNotes, ...adminKey.notes];
    for (const sentence of warnings) log.warn({}, sentence);
    const services = await createServices({ db, config, log, metrics });
    stops.push(() => services.stop());
    await services.start();
    const http = createHttpService({ config, services, log });
    stops.push(() => http.stop());
    const address = await http.listen(config.port, config.host);
    const notes = [note, keyNote(config, adminKey.made), ...networkNotes(config)].filter(
      each => each !== undefined,
    );
    const url = urlOf(config.host, address.port);
    return { url, newAdminKey: adminKey.made, notes: [...notes, ...warnings], stop };
  } catch (error) {
    await stop().catch((err: unknown) => log.warn({ err }, 'the gateway did not stop in order'));
    throw error;
  }
}

/** In order, each whatever became of those before it. @throws what the first failed with */
async function stopAll(stops: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const stop of stops) await stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** Measures a statement, in a span of its own. */
function observeStatement<T>(metrics: Metrics, lane: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  return traced(`postgres ${lane}`, { 'db.system.name': 'postgresql' }, work).finally(() =>
    metrics.statement(lane, performance.now() - startedMs),
  );
}

async function startStorage(config: Config, log: Log, stops: (() => Promise<void>)[]) {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, note: undefined };
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: message => log.info({}, message),
  });
  stops.push(() => embedded.stop());
  return { url: embedded.url, note: embedded.note };
}

/** The default workspace, that of the audit, and a key to begin with. */
async function prepare(db: Database, config: Config, showsKey: boolean): Promise<AdminKey> {
  await db.write.query(
    sqlText`with made as (
       insert into workspaces (${WORKSPACE.slug}, ${WORKSPACE.name}) select $1, $2
       where not exists (select from workspaces where ${WORKSPACE.id} <> $3)
         and not exists (select from workspace_marks where ${MARKS.workspace_id} <> $3)
       on conflict do nothing returning ${WORKSPACE.id}
     ) insert into workspace_marks (${MARKS.workspace_id}) select ${WORKSPACE.id} from made`,
    [DEFAULT_WORKSPACE.slug, DEFAULT_WORKSPACE.name, AUDIT_WORKSPACE_ID],
  );
  const auditSlug = await ensureAuditWorkspace(db.write);
  const audited = createUnheardAudit(db);
  // Of another server's database the key is not this folder's to keep.
  const isKept = config.databaseUrl === null;
  const adminKey = await ensureAdminKey(
    { write: db.write, audited },
    config.adminKey,
    showsKey || isKept,
  );
  const { made } = adminKey;
  if (made !== null && isKept) keepAdminKey(config, made);
  return { ...adminKey, notes: [...adminKey.notes, ...auditNotes(auditSlug)] };
}

/** A workspace of a user that was there before keeps its slug. */
function auditNotes(slug: string): string[] {
  if (slug === AUDIT_SLUG) return [];
  return [`The audit of the gateway is in the workspace ${slug}, since another one has its slug.`];
}

function keepAdminKey({ dataDir }: Config, secret: string): void {
  mkdirSync(dataDir, { recursive: true });
  writeOwnFile(adminKeyFile(dataDir), `${secret}\n`);
}

function adminKeyFile(dataDir: string): string {
  return join(dataDir, 'admin-key');
}

function keyNote(
  { adminKey, databaseUrl, dataDir }: Config,
  made: string | null,
): string | undefined {
  if (databaseUrl !== null) return undefined;
  const file = adminKeyFile(dataDir);
  if (made !== null) return `The admin key is kept in ${file}.`;
  if (adminKey !== null) return undefined;
  try {
    readFileSync(file);
    return `The admin key is in ${file}.`;
  } catch {
    return undefined;
  }
}

/** A password and events in the clear are for the operator to know of. */
function networkNotes({ databaseUrl, databaseReadUrl }: Config): string[] {
  const urls = { DATABASE_URL: databaseUrl, DATABASE_READ_URL: databaseReadUrl };
  return Object.entries(urls).flatMap(([name, url]) => {
    const address = url === null ? null : readAddress(url);
    if (address === null || !isExposed(address)) return [];
    return (
      `The connection to the database at ${address.host} is not encrypted. ` +
      `Add sslmode=verify-full to ${name}, unless nobody else can use the network in between.`
    );
  });
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
