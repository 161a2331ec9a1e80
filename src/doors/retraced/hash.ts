/**
 * The digest that is answered for an event, by which its sender checks that all of it arrived. It is
 * the one of the vendor's document, field by field: clients refuse an answer with another.
 * @see https://boxyhq.com/docs/retraced/architecture/hashing-formula
 */
import { hash } from 'node:crypto';
import type { ExactObject } from '../../core/exact-json.ts';
import type { RetracedEvent } from './wire.ts';

export function digestOf(event: RetracedEvent, id: string): string {
  return hash('sha256', canonicalText(event, id), 'hex');
}

function canonicalText(event: RetracedEvent, id: string): string {
  const { fields, metadata, external_id: externalId } = event;
  const texts = [id, event.action, idIn(event, 'target'), idIn(event, 'actor')];
  texts.push(idIn(event, 'group'), (event['source_ip'] as string | undefined) ?? '');
  const flags = [event['is_failure'], event['is_anonymous']].map(each =>
    each === true ? '1:' : '0:',
  );
  return [
    ...texts.map(text => `${escaped(text)}:`),
    ...flags,
    fields === undefined ? ':' : pairs(fields as ExactObject),
    externalId === undefined ? '' : `:${escaped(externalId as string)}`,
    metadata === undefined ? '' : `:${pairs(metadata as ExactObject)}`,
  ].join('');
}

function idIn(event: RetracedEvent, name: string): string {
  const part = event[name] as ExactObject | undefined;
  return (part?.['id'] as string | undefined) ?? '';
}

/** In the order of their keys. */
function pairs(fields: ExactObject): string {
  return Object.keys(fields)
    .sort()
    .map(key => `${inPair(key)}=${inPair(fields[key] as string)};`)
    .join('');
}

function inPair(text: string): string {
  return escaped(text).replaceAll('=', '%3D').replaceAll(';', '%3B');
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A');
}
