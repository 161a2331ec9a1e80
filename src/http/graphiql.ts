import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { GatewayError } from '../core/errors.ts';
import { answer } from './answer.ts';
import { pathOf, type HttpHandler } from './handler.ts';
import { pagePolicy, sendStaticAsset, staticAsset, type StaticAsset } from './static-asset.ts';

/**
 * GraphiQL for browsers that come to `/graphql`. All of it is served from the package
 * `@graphql-yoga/render-graphiql`, piece by piece instead of as one page of 9 MB: no request leaves
 * the machine, and a policy without inline scripts holds. The package is loaded when the first
 * browser comes, and kept compressed.
 */
export interface GraphiQL extends HttpHandler {
  sendPage(res: ServerResponse): Promise<void>;
}

const ASSETS = '/graphql/assets/';

const DEFAULT_QUERY = `# Welcome to Sluice.
#
# 1. Under "Headers" below, put your key in place of
#    <your key>, unless it came along from the console.
#    It is forgotten when this page is closed.
# 2. Press the re-fetch button at the lower left, so that
#    the schema is read with it.
# 3. Put the cursor into one of these, and run it with
#    Ctrl-Enter: record something, then read it, count it
#    and watch for more.

mutation Record {
  recordEvents(input: { events: [
    { type: "user.signup", actor: "ada", payload: { plan: "pro" } }
    { type: "user.login", actor: "ada", success: true }
  ] }) {
    receipts { status position problems { code message } }
  }
}

query Read {
  events(first: 10, filter: { typePrefix: "user." }) {
    nodes { position type occurredAt actor payload }
    pageInfo { hasNextPage endCursor }
    liveCursor
  }
}

query Count {
  eventAggregates(input: {
    timeframe: { last: "P7D" }
    granularity: DAY
    groupBy: [{ dimension: TYPE }]
  }) {
    nodes { start group { value } count }
    source
  }
}

# What was there comes first, then what is recorded from now
# on: run Record in another tab, and see it arrive.
subscription Watch {
  events(start: BEGINNING) {
    kind
    position
    node { type actor payload }
  }
}
`;

const DEFAULT_HEADERS = '{\n  "authorization": "Bearer <your key>"\n}\n';

const OPTIONS = {
  endpoint: '/graphql',
  title: 'Sluice GraphiQL',
  defaultQuery: DEFAULT_QUERY,
  defaultHeaders: DEFAULT_HEADERS,
  headers: DEFAULT_HEADERS,
  defaultEditorToolsVisibility: 'headers',
  isHeadersEditorEnabled: true,
  // A key is not to stay in the browser's storage.
  shouldPersistHeaders: false,
  subscriptionsProtocol: 'SSE',
  credentials: 'omit',
};

/** Monaco writes style elements, and shows its icons from data URLs; nothing else is allowed. */
const POLICY = pagePolicy({
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self' data:",
  'worker-src': "'self'",
});

interface Loaded {
  readonly page: string;
  readonly assets: ReadonlyMap<string, StaticAsset>;
}

export function createGraphiQL(): GraphiQL {
  let loading: Promise<Loaded> | undefined;

  /** What failed is tried again for the next who asks. */
  function loaded(): Promise<Loaded> {
    return (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));
  }

  return {
    name: 'graphiql',
    isPublic: true,
    readOnly: 'This path supports GET.',
    matches: path => path.startsWith(ASSETS),

    async sendPage(res) {
      const { page } = await loaded();
      const headers = { 'content-security-policy': POLICY };
      answer(res, { status: 200, type: 'text/html', body: page, headers });
    },

    async handle({ req, res }) {
      const { assets } = await loaded();
      const asset = assets.get(pathOf(req));
      if (!asset) throw new GatewayError('NOT_FOUND', 'There is no such asset.');
      await sendStaticAsset(asset, req, res);
    },
  };
}

async function load(): Promise<Loaded> {
  const parts = await import('@graphql-yoga/render-graphiql/graphiql');
  const assets = new Map<string, StaticAsset>();

  async function add(name: string, type: string, content: string): Promise<string> {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
    const path = `${ASSETS}${hash}/${name}`;
    assets.set(path, await staticAsset(type, content));
    return path;
  }

  const [style, program, editor, json, graphql] = await Promise.all([
    add('graphiql.css', 'text/css', parts.css),
    add('graphiql.js', 'text/javascript', parts.js),
    add('editor-worker.js', 'text/javascript', parts.editorWorkerService),
    add('json-worker.js', 'text/javascript', parts.jsonWorker),
    add('graphql-worker.js', 'text/javascript', parts.graphqlWorker),
  ]);
  const workers = { editorWorkerService: editor, json, graphql };
  const start = await add('start.js', 'text/javascript', startProgram(workers));
  return { page: pageOf({ style, program, start, icon: parts.favicon }), assets };
}

/**
 * What the page runs: names the workers of its editor and renders GraphiQL, with the key that the
 * console left in the session, if there is one (`src/console/api/session.ts`).
 */
function startProgram(workers: Readonly<Record<string, string>>): string {
  return `
const options = ${JSON.stringify(OPTIONS)};
const key = sessionStorage.getItem('sluice.key');
if (key !== null) {
  const headers = JSON.stringify({ authorization: 'Bearer ' + key }, null, 2) + '\\n';
  Object.assign(options, { headers, defaultHeaders: headers });
}
const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => workers[label] ?? workers.editorWorkerService,
};
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), options);
`;
}

interface PageParts {
  readonly style: string;
  readonly program: string;
  readonly start: string;
  readonly icon: string;
}

function pageOf({ style, program, start, icon }: PageParts): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${OPTIONS.title}</title>
    <link rel="icon" href="${icon}">
    <link rel="stylesheet" href="${style}">
  </head>
  <body class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script src="${program}"></script>
    <script src="${start}"></script>
  </body>
</html>
`;
}
