import type { TestGateway } from '../../kit/gateway.ts';

/** An answer to a raw request, for what no client can be made to send. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** @throws SyntaxError for a body that is not JSON */
  json(): unknown;
}

export async function call(url: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    ...{ status: response.status, headers: response.headers, text },
    json: () => JSON.parse(text) as unknown,
  };
}

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
}

/** More than a gateway takes that was started with so small a limit. */
export const BODY_BYTES_MAX = 200_000;
export const TOO_LARGE = JSON.stringify('x'.repeat(BODY_BYTES_MAX));

/** How many events are kept aside in a workspace. */
export async function quarantined({ db }: TestGateway, slug: string): Promise<number> {
  const rows = await db.read.query(
    `select from quarantined_events q join workspaces w on w.id = q.workspace_id where w.slug = $1`,
    [slug],
  );
  return rows.length;
}
