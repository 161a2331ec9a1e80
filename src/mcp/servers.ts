/**
 * What speaks MCP, one for each request. A tool runs a fixed document through the pipeline of
 * GraphQL: its access rules, budgets and masking hold here without being written twice.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { VERSION } from '../config/version.ts';
import { hasScope, type Principal } from '../core/principal.ts';
import { createPipeline, DocumentFaults, type PipelineOptions } from '../graphql-http/pipeline.ts';
import type { Call } from '../http/call.ts';
import { presentError, presentResult } from '../http/errors.ts';
import { ANSWER_CHARS_MAX, beginningOf } from './compact.ts';
import { READING_TOOLS } from './reading-tools.ts';
import { RECORDING_TOOL } from './recording-tool.ts';
import type { Args, Tool } from './tool.ts';

const TOOLS: readonly Tool[] = [...READING_TOOLS, RECORDING_TOOL];
const INSTRUCTIONS =
  'Sluice keeps events of many systems in workspaces. list_event_types shows what there ' +
  'is, get_event_type what a type means. Then query_events and aggregate_events. Answers ' +
  'are cut to a readable size: send nextAfter to continue.';

/** What a server would check answers of a model with: one for all requests. */
const validator = new AjvJsonSchemaValidator();

/** Who asks, and by which request. */
export interface Asked {
  readonly call: Call;
  readonly principal: Principal;
}

export function createMcpServers(options: PipelineOptions): (asked: Asked) => McpServer {
  const pipeline = createPipeline(options);
  const { log } = options;

  async function run(tool: Tool, args: Args, asked: Asked): Promise<CallToolResult> {
    const asker = { requestId: asked.call.requestId, log };
    try {
      const params = { query: tool.document, variables: tool.variables(args) };
      const { run: execute } = pipeline.prepare(asked.call, params, asked.principal);
      const { data, errors } = presentResult((await execute()) as object, asker);
      if (errors !== undefined) return refusal(errors.map(sentenceOf).join('\n'));
      const text = JSON.stringify(tool.result(data as never));
      return { content: [{ type: 'text', text }] };
    } catch (error) {
      const faults = error instanceof DocumentFaults ? error.errors : [error];
      return refusal(faults.map(each => sentenceOf(presentError(each, asker))).join('\n'));
    }
  }

  function serverFor(asked: Asked): McpServer {
    const server = new McpServer(
      { name: 'sluice', title: 'Sluice', version: VERSION },
      { instructions: INSTRUCTIONS, jsonSchemaValidator: validator },
    );
    for (const tool of TOOLS) {
      if (!hasScope(asked.principal, tool.scope)) continue;
      const { name, title, description, input } = tool;
      const annotations = { readOnlyHint: tool !== RECORDING_TOOL, destructiveHint: false };
      const config = { title, description, inputSchema: input, annotations };
      server.registerTool(name, config, args => run(tool, args as Args, asked));
    }
    return server;
  }

  return serverFor;
}

function refusal(message: string): CallToolResult {
  const text = beginningOf(message, ANSWER_CHARS_MAX);
  return { isError: true, content: [{ type: 'text', text }] };
}

function sentenceOf({ message, extensions }: ReturnType<typeof presentError>): string {
  return `${extensions.code}: ${message}`;
}
