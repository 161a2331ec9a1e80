/** What the columns of a table become, and what those that go into the payload may have meant. */
import { targetOf, type Mapping } from './mapping.ts';

export interface ColumnUse {
  readonly column: string;
  /** A field of the event, or `payload.` and a key; null: left out. */
  readonly becomes: string | null;
  /** A field that no column and no option gives yet, by the column's name. */
  readonly suggestion: string | null;
}

/** By what such columns are often called, without case, underscores and hyphens. */
const OFTEN: Readonly<Record<string, RegExp>> = {
  type: /^(event(type|name)?|action|activity|operation|verb|kind)$/,
  occurredAt:
    /^((created|occurred|logged|performed|inserted|recorded|happened)(at|on)?|timestamp|(event|log)?(time|date)|datetime|when|at|ts)$/,
  actor:
    /^((user|actor|author|admin|account|customer|person|distinct)(id|name)?|(performed|created|done|changed)by|email|who)$/,
  subject:
    /^((record|entity|object|resource|target|auditable|item|subject|order|row|document)(id)?)$/,
  source: /^(app(lication)?|service|system|origin)$/,
  clientIp: /^(ip(addr(ess)?)?|(remote|client|user)(ip|addr(ess)?)|currentsigninip)$/,
  description: /^(message|summary|comment|text|note)$/,
  groupId: /^(request|session|correlation|trace|transaction|batch)(id|uuid)$/,
};

export function columnUses(columns: readonly string[], mapping: Mapping): ColumnUse[] {
  const becomes = columns.map(column => {
    const target = targetOf(column, mapping);
    return target === null || typeof target === 'string' ? target : `payload.${target.join('.')}`;
  });
  const given = new Set([...becomes, ...mapping.fields.values(), ...mapping.defaults.keys()]);
  return columns.map((column, index) => {
    const plain = column.toLowerCase().replace(/[\s_-]/g, '');
    const isInPayload = becomes[index]?.startsWith('payload.') === true;
    const field = isInPayload
      ? Object.keys(OFTEN).find(each => !given.has(each) && OFTEN[each]?.test(plain) === true)
      : undefined;
    if (field !== undefined) given.add(field);
    return { column, becomes: becomes[index] ?? null, suggestion: field ?? null };
  });
}
