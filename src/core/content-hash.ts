/**
 * What tells a retry from another event under the same id: a version byte and 120 bits of the
 * SHA-256 over canonical JSON (RFC 8785) of what the recorder gave, before defaults, without id
 * and door. A retry that lets `occurredAt` default is therefore still the same event.
 */
import { hash } from 'node:crypto';
import { canonicalJson, quoted } from './canonical-json.ts';
import { uuidOf } from './event-key.ts';
import type { EventInput } from './event.ts';

const VERSION = '01';

type Hashed = Exclude<keyof EventInput, 'id' | 'contentId' | 'unreadable'>;

const HASHED: Readonly<Record<Hashed, true>> = {
  actor: true,
  clientIp: true,
  description: true,
  expiresAt: true,
  groupId: true,
  icon: true,
  notify: true,
  occurredAt: true,
  parentId: true,
  payload: true,
  properties: true,
  source: true,
  subject: true,
  success: true,
  type: true,
  wire: true,
};
const NAMES = (Object.keys(HASHED) as (keyof typeof HASHED)[])
  .sort()
  .map(name => [name, `"${name}":`] as const);

export function contentHash(input: EventInput): string {
  return uuidOf(VERSION + hash('sha256', input.contentId ?? contentText(input), 'hex'));
}

/** What is hashed of an event without a `contentId`. */
export function contentText(input: EventInput): string {
  let text = '';
  for (const [name, quotedName] of NAMES) {
    const value = input[name];
    if (value == null) continue;
    const json =
      name === 'properties' ? propertiesJson(input.properties ?? []) : canonicalJson(value);
    text += `${text === '' ? '' : ','}${quotedName}${json}`;
  }
  return `{${text}}`;
}

/** As `canonicalJson` writes them, at a third of the cost: what keys there are is known. */
function propertiesJson(properties: NonNullable<EventInput['properties']>): string {
  let text = '[';
  for (const { name, type, values, isList } of properties) {
    const list = isList === undefined ? '' : `"isList":${isList},`;
    text += `${text.length > 1 ? ',' : ''}{${list}"name":${quoted(name)},"type":"${type}","values":${canonicalJson(values)}}`;
  }
  return `${text}]`;
}
