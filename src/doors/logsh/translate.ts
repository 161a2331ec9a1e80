/** Logsh's event ↔ ours. Pure. */
import { hash } from 'node:crypto';
import type { EventInput, StoredEvent } from '../../core/event.ts';
import { parseExact, type ExactJson, type ExactObject } from '../../core/exact-json.ts';
import { LIMITS } from '../../core/limits.ts';
import { emojiOf } from '../value-conversion.ts';
import { differenceOf, restored } from '../wire-difference.ts';
import type { LogshEvent } from './wire.ts';

/** An icon that is nobody's emoji is left for the validation of events to refuse. */
export function decode(event: LogshEvent, sent: ExactObject): EventInput {
  const mapped = {
    type: event.event,
    description: event.description || null,
    icon: event.icon === undefined ? null : emojiOf(event.icon),
    notify: event.notify ?? false,
    payload: event.metadata ?? {},
  };
  const wire = differenceOf(sent, derive(mapped, event.workspace.toLowerCase()));
  return wire === null ? mapped : { ...mapped, wire };
}

/** The body that the event came by, or would have; `workspace` is as Logsh names it. */
export function encode(event: StoredEvent, workspace: string): ExactObject {
  const payload = parseExact(event.payload) as ExactObject;
  const derived = derive({ ...event, payload }, workspace);
  return event.door === 'LOGSH' ? restored(derived, event.wire) : derived;
}

type Mapped = Pick<StoredEvent, 'type' | 'description' | 'icon' | 'notify'> & {
  readonly payload: ExactObject;
};

function derive({ type, description, icon, notify, payload }: Mapped, workspace: string) {
  const derived: Record<string, ExactJson> = { workspace, event: type, notify, metadata: payload };
  if (description !== null) derived['description'] = description;
  if (icon !== null) derived['icon'] = icon;
  return derived;
}

const IS_SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const DIGEST_CHARS = 12;
const NOT_ASCII = /[^\0-\x7f]/;

/**
 * The workspace that a name means: lower case, and a hyphen for whatever a slug can't hold. A name
 * with characters beyond ASCII, such as 日本A or 🚀 launch, gets a digest of it as well, so that no
 * two of them share a workspace; one without a character of a slug has nothing else.
 */
export function slugOf(name: string): string {
  if (IS_SLUG.test(name)) return name;
  const slug = asciiSlugOf(name);
  return slug !== '' && !NOT_ASCII.test(name) ? slug : digestSlugOf(name);
}

/** A slug that no other name has. */
export function digestSlugOf(name: string): string {
  // A letter with an accent is one character on some systems, and two on others.
  const composed = name.normalize('NFC');
  const head = asciiSlugOf(composed).replace(/-+$/, '') || 'logsh';
  return `${head.slice(0, LIMITS.slugCharsMax - DIGEST_CHARS - 1)}-${digestOf(composed)}`;
}

/**
 * Whether the workspace of this slug was made for another name: `a b` and `a.b` differ in nothing
 * but signs, and the slug of both is `a-b`. A name that is a slug means the workspace that has it,
 * and one whose name has another slug was not made for a name of this door.
 */
export function isOfOtherName(workspace: { slug: string; name: string }, name: string): boolean {
  if (IS_SLUG.test(name.toLowerCase()) || slugOf(workspace.name) !== workspace.slug) return false;
  // One whose name is its slug may have been made for any.
  const isNamed = workspace.name.toLowerCase() !== workspace.slug;
  return isNamed && workspace.name.toLowerCase() !== name.toLowerCase();
}

function digestOf(name: string): string {
  return hash('sha256', name.toLowerCase(), 'hex').slice(0, DIGEST_CHARS);
}

/**
 * The slug that a name with characters beyond ASCII had before it got a digest; null for any other
 * name. The workspace that was made for the name keeps it.
 */
export function formerSlugOf(name: string): string | null {
  if (!NOT_ASCII.test(name)) return null;
  const slug = asciiSlugOf(name);
  return slug === '' ? `logsh-${digestOf(name)}` : slug;
}

function asciiSlugOf(name: string): string {
  return [...name.toLowerCase()]
    .map(character => (/[a-z0-9]/.test(character) ? character : '-'))
    .join('')
    .replace(/^-+/, '')
    .slice(0, LIMITS.slugCharsMax);
}
