import { LIMITS } from '../core/limits.ts';

export interface TrustedDocuments {
  /** The text of the document of an id or hash. */
  byId(id: string): string | undefined;
  has(text: string): boolean;
}

/**
 * Every bound at the edge. An operator may move each one; `SERVER_DEFAULTS` says what holds when
 * nobody did. Nothing here is read from the environment: the composition root passes it in.
 */
export interface ServerSettings {
  /** Bytes of one request body, counted after decompression. */
  readonly bodyBytesMax: number;
  /** The same of a caller without a key, who may ask little and is asked for no more. */
  readonly anonymousBodyBytesMax: number;
  /** Lists and objects within each other in a JSON body: deeper ones end in a stack overflow. */
  readonly jsonDepthMax: number;
  readonly documentCharsMax: number;
  readonly documentTokensMax: number;
  readonly documentBracketsMax: number;
  readonly queryDepthMax: number;
  readonly aliasesMax: number;
  readonly directivesMax: number;
  readonly rootFieldsMax: number;
  /** Fields of an operation once every fragment is put in its place. */
  readonly fieldsMax: number;
  /** Values of the answer to an operation, every page full: see `query-cost.ts`. */
  readonly queryCostMax: number;
  /** Bytes of the texts of one answer, and of what is read for it. */
  readonly answerBytesMax: number;
  readonly headerBytesMax: number;
  /** Time for the header, and for the whole request with its body; slower senders get 408. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** Connections on which no valid key was shown yet, of all and of one address: the oldest is closed. */
  readonly unauthenticatedConnectionsMax: number;
  readonly unauthenticatedPerAddressMax: number;
  /** Requests of one connection that wait for their answers; it is closed beyond that. */
  readonly pipelinedMax: number;
  /** A peer that takes nothing of what waits for it for this long is cut. */
  readonly stuckPeerMs: number;
  /** As `stuckPeerMs`, for a stream: a reader may sleep for minutes, since it misses nothing. */
  readonly stalledReaderMs: number;
  readonly ssePingMs: number;
  readonly websocketMessageBytesMax: number;
  /** Unsent bytes of one socket above which its streams are no longer asked for more. */
  readonly websocketBufferBytesMax: number;
  readonly websocketOperationsMax: number;
  readonly websocketInitMs: number;
  /** Bytes of a socket before its `connection_init` is accepted. */
  readonly websocketInitBytesMax: number;
  readonly websocketPingMs: number;
  /** From `stop()` to the last socket closed by force. */
  readonly stopMs: number;
  /** Origins whose pages may call `/graphql`. None by default: CORS is then off. */
  readonly corsOrigins: readonly string[];
  /** Names that a Host header may have, beside addresses and localhost. Null: any. */
  readonly allowedHosts: readonly string[] | null;
  /** Proxies of ours between a caller and this process. */
  readonly trustedProxies: number;
  /** Who may read the schema: callers with a valid key, or everybody. */
  readonly introspection: 'with-key' | 'open';
  readonly graphiql: boolean;
  /** Null: every document is executed. */
  readonly trustedDocuments: TrustedDocuments | null;
}

export const SERVER_DEFAULTS: ServerSettings = {
  bodyBytesMax: LIMITS.bodyBytesMax,
  anonymousBodyBytesMax: 65_536,
  jsonDepthMax: 128,
  documentCharsMax: LIMITS.documentCharsMax,
  documentTokensMax: LIMITS.documentTokensMax,
  documentBracketsMax: LIMITS.documentBracketsMax,
  queryDepthMax: LIMITS.queryDepthMax,
  aliasesMax: LIMITS.aliasesMax,
  directivesMax: LIMITS.directivesMax,
  rootFieldsMax: LIMITS.rootFieldsMax,
  fieldsMax: 5_000,
  queryCostMax: LIMITS.queryCostMax,
  answerBytesMax: LIMITS.answerBytesMax,
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  connectionsMax: LIMITS.connectionsMax,
  unauthenticatedConnectionsMax: LIMITS.unauthenticatedConnectionsMax,
  unauthenticatedPerAddressMax: LIMITS.unauthenticatedPerAddressMax,
  pipelinedMax: LIMITS.pipelinedMax,
  stuckPeerMs: 15_000,
  stalledReaderMs: 300_000,
  // TCP keep-alive finds a pulled cable within 20 s, but only while nothing is in flight: the ping
  // comes less often than that.
  ssePingMs: 25_000,
  websocketMessageBytesMax: 1_048_576,
  websocketBufferBytesMax: 65_536,
  websocketOperationsMax: 500,
  websocketInitMs: 3_000,
  websocketInitBytesMax: LIMITS.websocketInitBytesMax,
  websocketPingMs: 15_000,
  stopMs: 6_000,
  corsOrigins: [],
  allowedHosts: null,
  trustedProxies: 0,
  introspection: 'with-key',
  graphiql: true,
  trustedDocuments: null,
};
