import { builder } from '../builder.ts';

builder.queryType({
  description: 'Reads. Needs the scope EVENTS_READ, unless a field says otherwise.',
});
builder.mutationType({
  description: 'Writes. The fields of a request run one after another.',
});
builder.subscriptionType({
  description: 'Live streams, over WebSocket or server-sent events.',
});
