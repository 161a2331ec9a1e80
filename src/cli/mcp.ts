/**
 * The tools of a gateway over standard input and output, for agents that start a program. Each
 * message goes to the gateway's `/mcp`, and its answer back: the tools, and what a key may do with
 * them, are the gateway's alone.
 */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  InitializeResultSchema,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';
import { once } from 'node:events';
import { connectionFrom } from './gateway-connection.ts';
import type { ConnectionOptions } from './options.ts';

/** Until standard input ends, and all of it is answered. */
export async function serveMcp(options: ConnectionOptions): Promise<void> {
  const { url, key } = connectionFrom(options);
  const gateway = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
  });
  const agent = new StdioServerTransport();
  const sending = new Set<Promise<void>>();
  gateway.onmessage = message => {
    noteVersion(gateway, message);
    void agent.send(message);
  };
  agent.onmessage = message => {
    const sent = pass(message, gateway, agent).finally(() => sending.delete(sent));
    sending.add(sent);
  };
  const ended = once(process.stdin, 'end');
  await gateway.start();
  await agent.start();
  await ended;
  await Promise.all(sending);
  await gateway.close();
  await agent.close();
}

/** What the gateway does not answer is answered for it. */
async function pass(
  message: JSONRPCMessage,
  gateway: StreamableHTTPClientTransport,
  agent: StdioServerTransport,
): Promise<void> {
  try {
    await gateway.send(message);
  } catch (error) {
    const told = `The gateway did not answer: ${(error as Error).message}`;
    process.stderr.write(`sluice: ${told}\n`);
    if (!isJSONRPCRequest(message)) return;
    const { jsonrpc, id } = message;
    await agent.send({ jsonrpc, id, error: { code: SERVER_ERROR, message: told } });
  }
}

const SERVER_ERROR = -32_000;

/** Every request after the first names the version that the gateway chose. */
function noteVersion(gateway: StreamableHTTPClientTransport, message: JSONRPCMessage): void {
  if (!isJSONRPCResultResponse(message)) return;
  const { success, data } = InitializeResultSchema.safeParse(message.result);
  if (success) gateway.setProtocolVersion(data.protocolVersion);
}
