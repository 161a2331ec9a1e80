import { expect, test } from 'vitest';
import type { Principal } from '../../../src/core/principal.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { createAccess } from '../../../src/security/access.ts';

const own = { id: 1, slug: 'own' } as Workspace;
const other = { id: 2, slug: 'other' } as Workspace;
const principal: Principal = { keyId: 1, scopes: ['EVENTS_READ'], workspaceId: 1 };

/** What was looked up, one after the other. */
function watched() {
  const all = [own, other];
  const seen: unknown[] = [];
  const { access } = createAccess(
    {
      async byIds(ids) {
        seen.push(ids);
        return ids.map(id => all.find(each => each.id === id) ?? null);
      },
      async bySlugs(slugs) {
        seen.push(slugs);
        return slugs.map(slug => all.find(each => each.slug === slug) ?? null);
      },
      first: async count => all.slice(0, count),
    },
    () => 0,
  );
  return { seen, ask: (slug: string) => access(principal, slug, 'EVENTS_READ') };
}

test('a name of another workspace costs a key as much as one that nobody has', async () => {
  const looked: unknown[] = [];
  for (const slug of ['other', 'nobody', 'Own']) {
    const { seen, ask } = watched();
    // The second time something of it may be kept.
    const answers = [await ask(slug).catch(codeOf), await ask(slug).catch(codeOf)];
    expect(answers).toEqual(slug === 'Own' ? [own, own] : ['NOT_FOUND', 'NOT_FOUND']);
    if (slug !== 'Own') looked.push(seen);
  }
  expect(looked[0]).toEqual(looked[1]);
});

function codeOf(error: { code: string }): string {
  return error.code;
}
