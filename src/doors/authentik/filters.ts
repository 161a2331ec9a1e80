/** The vendor's filters and order, as they stand in a query. Empty values are passed over. */
import type { EventCondition } from '../../core/event-condition.ts';
import type { EventFilter, PropertyFilter } from '../../core/filter.ts';
import type { EventSortKey } from '../../read/event-reader.ts';

/** `actions` names types; which of them exist is the caller's to check. */
export function readFilter(query: URLSearchParams): EventCondition {
  const action = query.get('action') ?? '';
  const contained: EventCondition[] = action === '' ? [] : [{ typeContains: action }];
  return { allOf: [...readConditions(query), ...contained] };
}

/** All but `action`. What was redacted is not shown. */
export function readConditions(query: URLSearchParams): EventCondition[] {
  const conditions: EventCondition[] = [{ redacted: false }];
  const add = (name: string, condition: (value: string) => EventCondition) => {
    const value = query.get(name) ?? '';
    if (value !== '') conditions.push(condition(value));
  };
  const actions = readActions(query);
  if (actions.length > 0) conditions.push({ types: actions });
  add('username', userNamed);
  add('client_ip', value => ({ clientIps: [value] }));
  add('brand_name', value => at({ path: ['brand', 'name'], equals: value }));
  add('context_authorized_app', value => inContext(['authorized_application', 'pk'], [value]));
  add('context_model_app', value => inContext(['model', 'app'], [value]));
  add('context_model_name', value => inContext(['model', 'model_name'], [value]));
  add('context_model_pk', value => {
    return inContext(['model', 'pk'], orNumber(value.replaceAll('-', '')));
  });
  add('context_device', value => inContext(['device', 'pk'], orNumber(value)));
  add('search', searchWithIds => ({ searchWithIds }));
  return conditions;
}

export function readActions(query: URLSearchParams): string[] {
  return query.getAll('actions').filter(action => action !== '');
}

/** Also the actor of an event of another door, which this one shows as the user. */
function userNamed(name: string): EventFilter {
  return {
    or: [
      { actors: [name] },
      at({ path: ['user', 'username'], equals: name }),
      at({ path: ['context', 'username'], equals: name }),
    ],
  };
}

function inContext(path: readonly string[], values: readonly (string | number)[]): EventFilter {
  return at({ path: ['context', ...path], in: values });
}

function at(property: PropertyFilter): EventFilter {
  return { payload: [property] };
}

/** A key of a model is a UUID's digits, or a number. */
function orNumber(value: string): (string | number)[] {
  const number = Number(value);
  return /^-?\d+$/.test(value) && Number.isSafeInteger(number) ? [value, number] : [value];
}

const ORDER_KEYS: Readonly<Record<string, EventSortKey['key']>> = {
  created: 'OCCURRED_AT',
  expires: 'EXPIRES_AT',
  action: 'TYPE',
  app: 'SOURCE',
  client_ip: 'CLIENT_IP',
  pk: 'EVENT_ID',
  event_uuid: 'EVENT_ID',
  user: ['user'],
  context: ['context'],
  brand: ['brand'],
};

/** Unknown fields are passed over; without any the newest come first. */
export function readOrder(query: URLSearchParams): EventSortKey[] {
  const order = (query.get('ordering') ?? '').split(',').flatMap(text => {
    const name = text.trim().replace(/^-/, '');
    const key = Object.hasOwn(ORDER_KEYS, name) ? ORDER_KEYS[name] : undefined;
    return key === undefined ? [] : [{ key, descending: text.trim().startsWith('-') }];
  });
  return order.length === 0 ? [{ key: 'OCCURRED_AT', descending: true }] : order.slice(0, 10);
}
