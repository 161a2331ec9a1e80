import { GatewayError } from './errors.ts';

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** @throws GatewayError BAD_USER_INPUT */
export function checkSlug(slug: string): string {
  const lower = slug.toLowerCase();
  if (SLUG.test(lower)) return lower;
  throw new GatewayError(
    'BAD_USER_INPUT',
    'A slug has 1 to 63 characters: letters a to z, digits and hyphens, no hyphen first.',
  );
}
