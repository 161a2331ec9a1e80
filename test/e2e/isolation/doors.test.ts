import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY } from '../../kit/gateway.ts';
import {
  ASKS,
  canonical,
  credentialOf,
  ROUTES,
  withKey,
  WITHOUT_REACH,
  type Route,
} from './routes.ts';
import { createWorld, SECRET, type Place, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** `workspace` is named in the query; the place alone says what else is named. */
async function ask(
  route: Route,
  place: Place,
  key: string | null,
  workspace?: string,
): Promise<Answer> {
  const {
    params = (): Record<string, string> => ({}),
    query = '',
    headers = {},
    ...asked
  } = ASKS[canonical(route.name)]!;
  const given = typeof asked.body === 'function' ? asked.body(place) : asked.body;
  const body = given !== undefined && key !== null ? withKey(route, given, key) : given;
  let path = route.path;
  for (const [name, value] of Object.entries(params(place))) {
    path = path.replace(`:${name}`, encodeURIComponent(value));
  }
  const url = new URL(`${world.gateway.url}${path}${query}`);
  if (workspace !== undefined) url.searchParams.set('workspace', workspace);
  const response = await fetch(url, {
    method: route.method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
      ...(key === null ? {} : credentialOf(route, key)),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // One vendor repeats the credential.
  const told = key === null ? text : text.replaceAll(key, '<key>');
  return { status: response.status, body: withoutIds(told) };
}

/** What differs from answer to answer: the ids of requests. */
function withoutIds(text: string): string {
  return text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>').replace(/[0-9a-f]{32}/g, '<id>');
}

test('every route of every door has a rule, and every rule a route', () => {
  const names = new Set(ROUTES.map(({ name }) => canonical(name)));
  expect([...names].sort()).toEqual([...Object.keys(ASKS), WITHOUT_REACH].sort());
});

/** Whether a request names something of a workspace, so that it may be another's. */
const names = ({ name }: Route) =>
  ASKS[canonical(name)]!.params !== undefined || typeof ASKS[canonical(name)]!.body === 'function';
/** Each vendor has its own. */
const TAKEN = [200, 201, 202, 204];
/** Which of the two is the vendor's choice. */
const REFUSED = [401, 403];
const REACHING = ROUTES.filter(({ name }) => name !== WITHOUT_REACH);

describe.each(REACHING)('$name', route => {
  test('is refused alike with a key that is wrong, revoked or expired, and without one', async () => {
    const { mine, keys } = world;
    const none = await ask(route, mine, null);
    expect(REFUSED).toContain(none.status);
    const wrong = await ask(route, mine, 'slc_nobody_has_this_key_at_all');
    expect(REFUSED).toContain(wrong.status);
    for (const key of [keys.revoked, keys.expired]) {
      expect(await ask(route, mine, key)).toEqual(wrong);
    }
  });

  test('is refused without its scope', async () => {
    for (const key of [world.keys.define, world.keys.metrics]) {
      const { status } = await ask(route, world.mine, key);
      expect(REFUSED).toContain(status);
    }
  });

  test('shows nothing of theirs, and answers for it as for what never was', async () => {
    const { mine, theirs, nowhere, keys } = world;
    const { own } = ASKS[canonical(route.name)]!;
    const answer = await ask(route, theirs, keys.all);
    expect(answer.body).not.toContain(SECRET);
    if (route.path.includes(':') && !route.path.includes(':controllerId')) {
      // Retraced says of it what it says of a wrong key.
      expect(answer.status).toBe(route.door === 'RETRACED' ? 401 : 404);
    }
    const control = await ask(route, nowhere, keys.all);
    // A refusal may repeat the slug that was asked for.
    const body = answer.body.replaceAll(theirs.slug, nowhere.slug);
    if (names(route)) expect({ ...answer, body }).toEqual(control);
    const mineAnswer = await ask(route, mine, keys.all);
    expect(mineAnswer.body).not.toContain(SECRET);
    expect(own ?? TAKEN, mineAnswer.body).toContain(mineAnswer.status);
  });

  test('is for the workspace that its query names, which the key has to cover', async () => {
    const { mine, theirs, nowhere, keys } = world;
    const { own } = ASKS[canonical(route.name)]!;
    const named = await ask(route, mine, ADMIN_KEY, mine.slug);
    expect(named.body).not.toContain(SECRET);
    expect(own ?? TAKEN, named.body).toContain(named.status);
    // A path or a body of the vendor's names it already.
    if (['SPEAKEASY', 'LOGSH', 'LOGSNAG', 'RETRACED'].includes(route.door) && names(route)) return;
    const unnamed = await ask(route, mine, ADMIN_KEY);
    expect([unnamed.status, unnamed.body]).toEqual([400, expect.stringContaining('several')]);
    const other = await ask(route, mine, keys.all, theirs.slug);
    const missing = await ask(route, mine, keys.all, nowhere.slug);
    expect(other.status).toBe(404);
    expect({ ...other, body: other.body.replaceAll(theirs.slug, nowhere.slug) }).toEqual(missing);
  });
});
