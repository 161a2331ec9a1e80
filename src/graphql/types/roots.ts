import { builder } from '../builder.ts';

builder.queryType({
  description: 'Questions of the past. Needs the scope EVENTS_READ, unless a field says otherwise.',
});
builder.mutationType({
  description: 'What changes something. The fields of one request run one after the other.',
});
builder.subscriptionType({
  description: 'What goes on: streams over WebSocket or server-sent events.',
});
