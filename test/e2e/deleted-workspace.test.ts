import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

test('the key of a workspace that was just deleted makes nothing any more', async () => {
  const { slug } = await gateway.workspace();
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation($slug: String!) {
      createApiKey(input: { name: "admin", workspace: $slug, scopes: [ADMIN] }) { secret }
    }`,
    { slug },
  );
  const key = createApiKey.secret;
  await gateway.data('{ viewer { scopes } }', {}, key);
  await gateway.data(
    `mutation($slug: String!) {
      deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { deletedSlug }
    }`,
    { slug },
  );
  // A gateway caches a key for a moment, so either of the two refusals may come.
  const refused = async (mutation: string) => {
    const { errors = [] } = await gateway.graphql(`mutation { ${mutation} }`, {}, key);
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual([
      expect.stringMatching(/^(NOT_FOUND|UNAUTHENTICATED)$/),
    ]);
  };
  await refused('createApiKey(input: { name: "another", scopes: [ADMIN] }) { secret }');
  await refused('createStreamTicket { ticket }');
  await refused('recordEvent(input: { event: { type: "late" } }) { receipt { status } }');
  await refused('defineEvent(input: { name: "late" }) { definition { name } }');
  await refused('redactEvents(input: { subject: "late" }) { redactedCount }');
  await refused(`updateWorkspace(input: { slug: "${slug}", name: "late" }) { workspace { slug } }`);
});
