import { GatewayError } from '../../core/errors.ts';
import { actorOf } from '../../core/principal.ts';
import type { Redaction } from '../../upkeep/redact.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';

const RedactEventsPayload = builder
  .objectRef<{ redactedCount: number }>('RedactEventsPayload')
  .implement({
    description: 'The answer of `redactEvents`.',
    fields: t => ({
      redactedCount: t.expose('redactedCount', {
        type: 'SafeInt',
        description: 'The number of events whose content was removed now.',
      }),
    }),
  });

const RedactEventsInput = builder.inputType('RedactEventsInput', {
  description:
    'The argument of `redactEvents`: the events that match `subject`, `actor` or `eventIds`. ' +
    'At least one of them is required.',
  fields: t => ({
    workspace: t.string({ description: WORKSPACE_ARGUMENT }),
    subject: t.string({ description: 'Every event about this subject.' }),
    actor: t.string({ description: 'Every event of this actor.' }),
    eventIds: t.stringList({ description: 'The events of these event ids, at most 10,000.' }),
  }),
});

builder.mutationField('redactEvents', t =>
  t.field({
    type: RedactEventsPayload,
    scope: 'ADMIN',
    description:
      'Removes the content of every event of a subject or actor, or of given ids. Their ' +
      'positions stay. This cannot be undone.',
    args: {
      input: t.arg({ type: RedactEventsInput, required: true, description: 'Which events.' }),
    },
    resolve: (_root, { input: { workspace, ...redaction } }, context) =>
      redact(context, workspace, redaction),
  }),
);

async function redact(
  { access, principal, services }: GraphQLContext,
  slug: string | null | undefined,
  redaction: Redaction,
): Promise<{ redactedCount: number }> {
  const workspace = await access(slug, 'ADMIN');
  if (redaction.subject == null && redaction.actor == null && redaction.eventIds == null) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'redactEvents expects at least one of subject, actor and eventIds, but got none.',
    );
  }
  const actor = actorOf(principal, 'ADMIN');
  return { redactedCount: await services.redact(workspace.id, redaction, actor) };
}
