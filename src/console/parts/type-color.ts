/** Colours in `style/tokens.css` that types share. */
const COLORS = 24;

/**
 * The colour of a type, as a name of the stylesheet. It follows from the name of the type alone:
 * the same on every page and every day, however often the type occurs.
 */
export function typeColor(type: string): string {
  // FNV-1a. Its lowest bits are the least mixed.
  let hash = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(type)) {
    hash = Math.imul(hash ^ unit, 0x01000193) >>> 0;
  }
  return `--type-${(((hash ^ (hash >>> 15)) >>> 0) % COLORS) + 1}`;
}
