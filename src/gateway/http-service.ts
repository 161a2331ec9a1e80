/** Everything that can be reached from outside: HTTP, GraphQL, health. */
import type { GraphQLSchema } from 'graphql';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { createDoors } from '../doors/index.ts';
import { readGetParams } from '../graphql-http/params.ts';
import type { PipelineOptions } from '../graphql-http/pipeline.ts';
import { createGraphqlServer } from '../graphql-http/server.ts';
import { readTrustedDocuments } from '../graphql-http/trusted-documents.ts';
import { createContext } from '../graphql/context.ts';
import { federatedSchema, schema } from '../graphql/schema.ts';
import { cursorOfStep } from '../graphql/stream-resume.ts';
import { preferredType } from '../http/accept.ts';
import { HttpCall, keyOf, type Call } from '../http/call.ts';
import { createConsole } from '../http/console.ts';
import { createMetricsHandler } from '../http/metrics-handler.ts';
import { createHttpServer } from '../http/server.ts';
import { SERVER_DEFAULTS, type ServerSettings } from '../http/settings.ts';
import { createMcpHandler } from '../mcp/handler.ts';
import type { Log } from '../observability/log.ts';
import { clientAddress } from '../security/address.ts';
import { hashOperation, type TicketUse } from '../security/tickets.ts';
import { allowedNames } from '../security/web-pages.ts';
import { createDoorHandler } from './door-handler.ts';
import { createEvidenceHandler } from './evidence-handler.ts';
import type { GatewayServices } from './services.ts';

export interface HttpService {
  listen(port: number, host: string): Promise<AddressInfo>;
  stop(): Promise<void>;
}

export interface HttpServiceOptions {
  readonly config: Config;
  readonly services: GatewayServices;
  readonly log: Log;
}

export function createHttpService({ config, services, log }: HttpServiceOptions): HttpService {
  const settings = settingsOf(config);
  const { admission } = services;
  const pipeline: PipelineOptions = {
    schema: schemaOf(config),
    admission,
    authenticate: call =>
      call.ticket === null
        ? services.authenticate(keyOf(call.headers), call)
        : redeem(call, call.ticket, { services, config, settings }),
    confirm: async (call, principal) =>
      // A request with a ticket has no body to wait for, and its ticket was checked just now.
      principal === null || call.ticket !== null
        ? principal
        : services.confirm(keyOf(call.headers), call),
    tenantOf: call => services.rateLimits.tenantOf(call, call.ticket ?? keyOf(call.headers)),
    createContext: (call, principal) => {
      // The command line marks events that it imports from files.
      const door = call.headers.get('sluice-door') === 'IMPORT' ? 'IMPORT' : 'GRAPHQL';
      return createContext({ principal, services, door, access: services.access, call });
    },
    sharedResults: services.sharedResults,
    eventIdOf: step => cursorOfStep(step, services.epoch),
    log,
    settings,
  };
  return createHttpServer({
    graphql: createGraphqlServer(pipeline),
    handlers: [
      createMetricsHandler(services),
      createEvidenceHandler({ services, admission }),
      createMcpHandler(pipeline),
      ...createDoors(config, services).map(door =>
        createDoorHandler(door, { services, admission, log, settings }),
      ),
      createConsole(),
    ],
    notReady: () => services.notReady(),
    metrics: services.metrics,
    endStreams: () => {
      const message = 'The gateway is stopping. Resume at the cursor.';
      services.live.endAll(new GatewayError('GOING_AWAY', message));
    },
    log,
    settings,
  });
}

function schemaOf({ federation }: Config): GraphQLSchema {
  return federation ? federatedSchema() : schema;
}

function settingsOf(config: Config): ServerSettings {
  return {
    ...SERVER_DEFAULTS,
    bodyBytesMax: config.bodyBytesMax,
    // Proxies come from few addresses.
    ...(config.trustedProxies > 0 && { unauthenticatedPerAddressMax: Infinity }),
    queryDepthMax: config.queryDepthMax,
    documentTokensMax: config.queryTokensMax,
    aliasesMax: config.queryAliasesMax,
    directivesMax: config.queryDirectivesMax,
    rootFieldsMax: config.queryRootFieldsMax,
    queryCostMax: config.queryCostMax,
    answerBytesMax: config.answerBytesMax,
    corsOrigins: config.corsOrigins,
    allowedHosts: allowedNames(config),
    trustedProxies: config.trustedProxies,
    introspection: config.openIntrospection ? 'open' : 'with-key',
    trustedDocuments:
      config.trustedDocuments === null
        ? null
        : readTrustedDocuments(config.trustedDocuments, schemaOf(config)),
  };
}

interface Redeeming {
  readonly services: GatewayServices;
  readonly config: Config;
  readonly settings: ServerSettings;
}

/** @throws GatewayError BAD_REQUEST where no EventSource asks, UNAUTHENTICATED, RATE_LIMITED */
async function redeem(
  call: Call,
  ticket: string,
  { services, config, settings }: Redeeming,
): Promise<Principal> {
  const { rateLimits, tickets } = services;
  if (!(call instanceof HttpCall) || !asksForEvents(call)) {
    const message = 'A ticket needs an event stream: send GET with "Accept: text/event-stream".';
    throw new GatewayError('BAD_REQUEST', message);
  }
  call.params ??= readGetParams(call.req.url ?? '', settings);
  const use: TicketUse = {
    operation: hashOperation(call.params),
    lastEventId: call.lastEventId,
    address: clientAddress(call, config.trustedProxies),
    onceOver: ended => call.signal.addEventListener('abort', ended, { once: true }),
  };
  return rateLimits.admit(call, ticket, async () => {
    const { principal, opened } = await tickets.redeem(ticket, use);
    call.onStreamOpened = opened;
    return principal;
  });
}

function asksForEvents({ req }: HttpCall): boolean {
  return req.method === 'GET' && preferredType(req.headers.accept) === 'text/event-stream';
}
