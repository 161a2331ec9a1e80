import {
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLInputType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../../src/graphql/schema.ts';
import { HARMLESS, RULES, type Demand } from './rules.ts';
import { createWorld, MINE, SECRET, type KeyName, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const ROOTS = [schema.getQueryType()!, schema.getMutationType()!, schema.getSubscriptionType()!];

function rootFields() {
  return ROOTS.flatMap(type =>
    Object.values(type.getFields()).map(field => ({ name: `${type.name}.${field.name}`, field })),
  );
}

/** Names that may point at something: of workspaces, things by id, and places in lists. */
const POINTS = /^(workspace|slug|cursor|after|before|atLeast)$|slug$|ids?$|(Slug|Ids?|Cursor)$/;
/** What is inside narrows a list within its workspace. */
const WITHIN = new Set(['EventFilter', 'EventDefinitionFilter']);

function pointersOf(
  type: GraphQLInputType,
  path: string,
  inside: readonly string[] = [],
): string[] {
  const named = getNamedType(type);
  if (isInputObjectType(named)) {
    if (WITHIN.has(named.name) || inside.includes(named.name)) return [];
    return Object.values(named.getFields()).flatMap(field =>
      pointersOf(field.type, `${path}.${field.name}`, [...inside, named.name]),
    );
  }
  const isPointer = named.name === 'ID' || POINTS.test(path.split('.').at(-1)!);
  return isPointer ? [path] : [];
}

type Errors = { errors?: readonly { message: string; extensions: object }[] };

/** A message may repeat the slug that was asked for. */
const errorOf = ({ errors }: Errors, slug = '') =>
  errors?.map(({ message, extensions }) => ({
    message: message.replace(JSON.stringify(slug), '"asked"'),
    extensions,
  }));

describe('the rules', () => {
  test('speak of every root field, and of nothing else', () => {
    expect(Object.keys(RULES).sort()).toEqual(
      rootFields()
        .map(({ name }) => name)
        .sort(),
    );
  });

  test('try every argument that may name something of another workspace', () => {
    const pointers = rootFields().flatMap(({ name, field }) =>
      field.args.flatMap(arg => pointersOf(arg.type, arg.name)).map(path => `${name}(${path})`),
    );
    const tried = Object.entries(RULES).flatMap(([name, { reach = {} }]) =>
      Object.keys(reach).map(path => `${name}(${path})`),
    );
    expect(pointers.filter(pointer => !HARMLESS.has(pointer)).sort()).toEqual(tried.sort());
    expect([...HARMLESS].filter(harmless => !pointers.includes(harmless))).toEqual([]);
  });

  test('know an id of every type of node', () => {
    const nodes = Object.values(schema.getTypeMap()).filter(
      type => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node'),
    );
    expect(isInterfaceType(schema.getType('Node'))).toBe(true);
    expect(Object.keys(world.theirs.ids).sort()).toEqual(nodes.map(({ name }) => name).sort());
  });
});

/** Keys of mine that lack what is demanded. */
const LACKING: Readonly<Record<Demand, readonly KeyName[]>> = {
  EVENTS_READ: ['write', 'consume', 'define', 'metrics'],
  EVENTS_WRITE: ['read', 'consume', 'define', 'metrics'],
  EVENTS_CONSUME: ['read', 'write', 'define', 'metrics'],
  EVENTS_READ_OR_CONSUME: ['write', 'define', 'metrics'],
  DEFINITIONS_WRITE: ['read', 'write', 'consume', 'metrics'],
  ADMIN: ['read', 'write', 'consume', 'define', 'metrics'],
  ADMIN_OF_ALL: ['read', 'write', 'consume', 'define', 'metrics', 'all'],
};

describe.each(Object.entries(RULES))('%s', (_name, rule) => {
  test('is refused alike without a key, and with one that is wrong, revoked or expired', async () => {
    const { ask, keys, mine } = world;
    const wrong = ['slc_nobody_has_this_key_at_all', keys.revoked, keys.expired];
    const [none, ...others] = await Promise.all(
      [null, ...wrong].map(key => ask(rule.own(mine), key)),
    );
    expect(none!.errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
    for (const other of others) expect(errorOf(other)).toEqual(errorOf(none!));
  });

  const { needs, reach } = rule;
  const lacking = needs === null ? [] : [LACKING[needs]];
  test.each(lacking)('is FORBIDDEN without its scope', async (...names) => {
    for (const name of names) {
      const { errors } = await world.ask(rule.own(world.mine), world.keys[name]);
      expect(errors?.[0]?.extensions['code'], name).toBe('FORBIDDEN');
    }
  });

  test.each(Object.entries(reach ?? {}))(
    'by %s answers for what is theirs as for what never was',
    async (_argument, source) => {
      const { ask, keys, mine, theirs, nowhere } = world;
      const answer = await ask(source(mine, theirs), keys.all);
      const control = await ask(source(mine, nowhere), keys.all);
      expect({ ...answer, errors: errorOf(answer, theirs.slug) }).toEqual({
        ...control,
        errors: errorOf(control, nowhere.slug),
      });
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      const data = Object.values(answer.data ?? {}).flat();
      const isEmpty = data.every(value => value === null);
      const refusals = ['NOT_FOUND', 'CURSOR_INVALID', 'FORBIDDEN'];
      const code = String(answer.errors?.[0]?.extensions['code']);
      expect(isEmpty || refusals.includes(code) || rule.showsOwn).toBe(true);
      if (code === 'FORBIDDEN') expect(needs).toBe('ADMIN_OF_ALL');
    },
  );
});

describe('from one object to the next', () => {
  test('a parent of the same id in another workspace is none', async () => {
    const { ask, keys, mine } = world;
    const { data } = await ask(
      `{ event(workspace: "${mine.slug}", eventId: "mine-2") {
        parent { id } children { nodes { eventId } } groupEvents { nodes { eventId } }
      } }`,
      keys.all,
    );
    expect(JSON.stringify(data)).not.toContain(SECRET);
    expect(data).toEqual({
      event: {
        parent: null,
        children: { nodes: [] },
        groupEvents: { nodes: [{ eventId: MINE }, { eventId: 'mine-2' }] },
      },
    });
  });

  test('everything that mine holds speaks of mine alone', async () => {
    const { ask, keys } = world;
    const result = await ask(
      `{
        viewer { workspace { slug name headPosition
          events(first: 99) { totalCount nodes { eventId type payload definition { name events { totalCount } } } }
          eventDefinitions { nodes { name title } } quarantinedEvents { nodes { id } } apiKeys { nodes { name } } } }
        workspaces { nodes { slug } } apiKeys { nodes { name workspace { slug } } }
      }`,
      keys.all,
    );
    expect(result.errors).toBeUndefined();
    expect(JSON.stringify(result)).toContain('mine-alone');
    expect(JSON.stringify(result)).not.toContain(SECRET);
  });
});
