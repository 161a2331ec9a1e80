/**
 * The Model Context Protocol at `/mcp`: Streamable HTTP without sessions, so that any gateway
 * answers any request.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { GatewayError, MethodNotAllowed } from '../core/errors.ts';
import { unauthenticated } from '../core/principal.ts';
import type { PipelineOptions } from '../graphql-http/pipeline.ts';
import { admit } from '../http/admit.ts';
import { answer } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import type { HttpCall } from '../http/call.ts';
import { presentError, statusOf } from '../http/errors.ts';
import type { HttpHandler } from '../http/handler.ts';
import { readJson } from '../http/json.ts';
import { originNotAllowed } from '../http/router.ts';
import { isForeignOrigin } from '../security/web-pages.ts';
import { createMcpServers } from './servers.ts';

const PATH = '/mcp';

export function createMcpHandler(options: PipelineOptions): HttpHandler {
  const serverFor = createMcpServers(options);
  const { log, settings } = options;

  async function respond(call: HttpCall): Promise<Response> {
    if (isForeignOrigin(call.req, settings.corsOrigins)) throw originNotAllowed();
    if (call.req.method !== 'POST') {
      // There are no streams of the server's own, and no sessions to end.
      throw new MethodNotAllowed('MCP supports POST here.', 'POST');
    }
    await admit(call, options.admission, options.tenantOf?.(call));
    const caller = await options.authenticate(call);
    // Before the body: without a key none is read.
    if (caller === null) throw unauthenticated();
    const parsedBody = readJson(await readBody(call, settings.bodyBytesMax), settings.jsonDepthMax);
    const principal = await options.confirm(call, caller);
    if (principal === null) throw unauthenticated();
    if (Array.isArray(parsedBody)) {
      throw new GatewayError('BAD_REQUEST', 'A request has one message, not a list.');
    }
    const server = serverFor({ call, principal });
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    try {
      await server.connect(transport as Transport);
      return await transport.handleRequest(requestOf(call), { parsedBody });
    } finally {
      await server.close();
    }
  }

  return {
    name: 'mcp',
    matches: path => path === PATH || path === `${PATH}/`,
    async handle(call) {
      const { res } = call;
      try {
        const response = await respond(call);
        const type = response.headers.get('content-type') ?? undefined;
        const body = await response.text();
        if (body === '') return void res.writeHead(response.status, { 'content-length': 0 }).end();
        answer(res, { status: response.status, body, ...(type === undefined ? {} : { type }) });
      } catch (error) {
        refuse(call, error);
      }
    },
  };

  /** As an error of JSON-RPC, of no request in particular. */
  function refuse(call: HttpCall, error: unknown): void {
    const presented = presentError(error, { requestId: call.requestId, log });
    const { code, retryAfterS } = presented.extensions;
    const status = statusOf(presented);
    const body = { code: RPC_CODE, message: presented.message, data: { code } };
    answer(call.res, {
      status,
      body: JSON.stringify({ jsonrpc: '2.0', error: body, id: null }),
      headers: {
        ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        ...(status === 405 ? { allow: 'POST' } : {}),
        ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
      },
    });
  }
}

/** Of the server's own errors. */
const RPC_CODE = -32_000;

/** The head of the request: its body was read. */
function requestOf({ req }: HttpCall): Request {
  const headers = new Headers();
  for (const name of ['accept', 'content-type', 'mcp-protocol-version', 'last-event-id']) {
    const value = req.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  return new Request(`http://localhost${PATH}`, { method: 'POST', headers });
}
