import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets the pages of named origins call `/graphql`; those of others, and all where no origin is
 * configured, get no header and so are kept away by their browser. Credentials are never allowed:
 * a key is sent in a header by whoever knows it, and no cookie is set here.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export type Cors = (req: IncomingMessage, res: ServerResponse) => 'preflight' | 'go on';

const EXPOSED = 'x-request-id, retry-after, ratelimit, ratelimit-policy';

export function createCors(origins: readonly string[]): Cors {
  if (origins.length === 0) return () => 'go on';
  return function allowOrigin(req, res) {
    res.setHeader('vary', 'Origin');
    const { origin } = req.headers;
    if (origin === undefined || !origins.includes(origin)) return 'go on';
    res.setHeader('access-control-allow-origin', origin);
    res.setHeader('access-control-expose-headers', EXPOSED);
    if (req.method !== 'OPTIONS') return 'go on';
    res.writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type, last-event-id, x-request-id',
      'access-control-max-age': '600',
    });
    res.end();
    return 'preflight';
  };
}
