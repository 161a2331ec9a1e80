/** What the outside reaches: HTTP, GraphQL, health. */
import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { createDoors } from '../doors/index.ts';
import { createContext } from '../graphql/context.ts';
import { schema } from '../graphql/schema.ts';
import { cursorOfStep } from '../graphql/stream.ts';
import type { TicketUse } from '../security/tickets.ts';
import { keyOf, type Call } from './call.ts';
import { createConsole } from './console.ts';
import { createDoorHandler } from './doors.ts';
import { createHttpServer } from './http.ts';
import type { Log } from './log.ts';
import { createMetricsHandler } from './metrics-handler.ts';
import type { GatewayServices } from './services.ts';
import { SERVER_DEFAULTS, type ServerSettings } from './settings.ts';
import { readTrustedDocuments } from './trusted-documents.ts';
import { createYogaServer } from './yoga.ts';

export interface Edge {
  listen(port: number, host: string): Promise<AddressInfo>;
  stop(): Promise<void>;
}

export interface EdgeOptions {
  readonly config: Config;
  readonly services: GatewayServices;
  readonly log: Log;
}

export function createEdge({ config, services, log }: EdgeOptions): Edge {
  const settings = settingsOf(config);
  const { admission } = services;
  const graphql = createYogaServer({
    schema,
    admission,
    authenticate: call => authenticate(services, call),
    tenantOf: call => services.rateLimits.tenantOf(call, call.ticket ?? keyOf(call.headers)),
    createContext: (call, principal) => {
      // The command line says so of what it imports from files.
      const door = call.headers.get('sluice-door') === 'IMPORT' ? 'IMPORT' : 'GRAPHQL';
      return createContext({
        ...{ principal, services, door, access: services.access, lastEventId: call.lastEventId },
        get signal() {
          return call.signal;
        },
      });
    },
    sharedResults: services.sharedResults,
    eventIdOf: step => cursorOfStep(step, services.epoch),
    log,
    settings,
  });
  return createHttpServer({
    graphql,
    handlers: [
      createMetricsHandler(services),
      ...createDoors(config, services).map(door =>
        createDoorHandler(door, { services, admission, log, settings }),
      ),
      createConsole(),
    ],
    notReady: () => services.notReady(),
    metrics: services.metrics,
    endStreams: () => {
      const message = 'The gateway is stopping: resume at the cursor.';
      services.live.endAll(new GatewayError('GOING_AWAY', message));
    },
    log,
    settings,
  });
}

function settingsOf(config: Config): ServerSettings {
  return {
    ...SERVER_DEFAULTS,
    bodyBytesMax: config.bodyBytesMax,
    // Proxies come from few addresses.
    ...(config.trustedProxies > 0 && { newcomersPerAddressMax: Infinity }),
    queryDepthMax: config.queryDepthMax,
    documentTokensMax: config.queryTokensMax,
    aliasesMax: config.queryAliasesMax,
    directivesMax: config.queryDirectivesMax,
    rootFieldsMax: config.queryRootFieldsMax,
    queryCostMax: config.queryCostMax,
    answerBytesMax: config.answerBytesMax,
    corsOrigins: config.corsOrigins,
    introspection: config.openIntrospection ? 'open' : 'with-key',
    trustedDocuments:
      config.trustedDocuments === null
        ? null
        : readTrustedDocuments(config.trustedDocuments, schema),
  };
}

/** By its ticket, else by its key. */
async function authenticate(
  { authenticate, rateLimits, tickets }: GatewayServices,
  call: Call,
): Promise<Principal | null> {
  const { ticket, headers } = call;
  if (ticket !== null) {
    return rateLimits.admit(call, ticket, async () => tickets.redeem(ticket, useOf(call)));
  }
  return authenticate(keyOf(headers), call);
}

/** An EventSource that was cut asks again with the ticket it has, and says what it has seen. */
function useOf({ lastEventId, signal }: Call): TicketUse {
  return {
    isResuming: lastEventId !== null,
    onceOver: ended => signal.addEventListener('abort', ended, { once: true }),
  };
}
