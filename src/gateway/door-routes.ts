import { GatewayError } from '../core/errors.ts';
import type { DoorRoute } from '../doors/door.ts';

export interface Found {
  /** Null where no route takes the path with this method. */
  readonly route: DoorRoute | null;
  readonly params: Readonly<Record<string, string>>;
  /** What the path takes; empty where it is no route's. */
  readonly allow: string;
}

interface Pattern {
  readonly route: DoorRoute;
  readonly segments: readonly string[];
}

/** Finds a route by method and path; a route of GET also takes HEAD. */
export function createRoutes(
  routes: readonly DoorRoute[],
): (method: string, path: string) => Found {
  const patterns = routes
    .map(route => ({ route, segments: route.path.split('/') }))
    .sort(literalFirst);

  const literal = new Map(
    routes
      .filter(({ path }) => !path.includes('/:'))
      .map(route => [`${route.method} ${route.path}`, { route, params: {}, allow: '' }]),
  );

  return (method, path) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const known = literal.get(`${wanted} ${path}`);
    if (known !== undefined) return known;
    const segments = path.split('/');
    const fitting = patterns.filter(pattern => fits(pattern, segments));
    const found = fitting.find(({ route }) => route.method === wanted);
    if (found === undefined) return { route: null, params: {}, allow: allowOf(fitting) };
    return { route: found.route, params: paramsOf(found, segments), allow: '' };
  };
}

function literalFirst(a: Pattern, b: Pattern): number {
  for (const [index, segment] of a.segments.entries()) {
    const other = b.segments[index];
    if (other === undefined || isNamed(segment) === isNamed(other)) continue;
    return isNamed(segment) ? 1 : -1;
  }
  return 0;
}

function fits({ segments }: Pattern, given: readonly string[]): boolean {
  if (segments.length !== given.length) return false;
  return segments.every((segment, index) => {
    return isNamed(segment) ? given[index] !== '' : segment === given[index];
  });
}

function isNamed(segment: string): boolean {
  return segment.startsWith(':');
}

/** @throws GatewayError BAD_REQUEST */
function paramsOf({ segments }: Pattern, given: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    if (isNamed(segment)) params[segment.slice(1)] = decoded(given[index] as string);
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new GatewayError('BAD_REQUEST', 'The path is not percent-encoded UTF-8.', { cause });
  }
}

function allowOf(fitting: readonly Pattern[]): string {
  if (fitting.length === 0) return '';
  const methods = new Set<string>(fitting.map(({ route }) => route.method));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods, 'OPTIONS'].join(', ');
}
