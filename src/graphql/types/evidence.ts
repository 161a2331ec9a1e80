/** The Merkle tree over a workspace's log: checkpoints, and proofs against them. */
import type { Checkpoint, ConsistencyProof, InclusionProof } from '../../core/evidence.ts';
import { builder, WORKSPACE_ARGUMENT } from '../builder.ts';
import { EventRef, WorkspaceRef } from '../refs.ts';

/** A proof takes some hundreds of hashes, and tiles that are read: as long as so many values. */
const PROOF_COST = 100;

/** Of each workspace it is read by statements of its own, as a page in it is. */
const CHECKPOINT_COST = 500;

const base64 = (bytes: Buffer) => bytes.toString('base64');

const CheckpointRef = builder.objectRef<Checkpoint>('Checkpoint').implement({
  description:
    'The signed state of a workspace’s log at a size. If you keep one, you can prove ' +
    'later whether anything up to it was changed.',
  fields: t => ({
    firstPosition: t.expose('firstPosition', {
      type: 'SafeInt',
      description:
        'Position of the first event in the tree: the oldest that was kept when the tree began.',
    }),
    size: t.expose('size', {
      type: 'SafeInt',
      description: 'The number of events in the tree.',
    }),
    rootHash: t.string({
      description: 'The root of the Merkle tree (RFC 9162, SHA-256), in base64.',
      resolve: ({ root }) => base64(root),
    }),
    note: t.exposeString('note', {
      description:
        'The checkpoint as a signed note (C2SP tlog-checkpoint): name of the log, size, root hash ' +
        'and signature. Keep it outside of the gateway.',
    }),
    verifierKey: t.exposeString('verifierKey', {
      description:
        'The key that verifies the note (C2SP signed-note): name of the log, id of the key, and ' +
        'its Ed25519 public key. Get it once from somebody whom you trust.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description:
        'For the newest checkpoint, when the tree reached this size. For others, when ' +
        'they were signed.',
    }),
  }),
});

const InclusionProofRef = builder.objectRef<InclusionProof>('InclusionProof').implement({
  description:
    'Proves that an event is in the tree of a checkpoint, as it was recorded. `verifyProof` of the ' +
    'typed client and `sluice verify --proof` check it.',
  fields: t => ({
    index: t.expose('index', {
      type: 'SafeInt',
      description: 'The place of the leaf in the tree: its position minus that of leaf 0.',
    }),
    size: t.field({
      type: 'SafeInt',
      description: 'The size of the tree.',
      resolve: ({ checkpoint }) => checkpoint.size,
    }),
    leafHash: t.string({
      description:
        'SHA-256 of a byte 0x00 and the leaf, in base64. The leaf is the canonical JSON (RFC 8785) ' +
        'of `{"commitment", "envelope", "version": 1}`.',
      resolve: ({ leafHash }) => base64(leafHash),
    }),
    hashes: t.stringList({
      description:
        'Hashes of the subtrees beside the path from the leaf to the root, the lowest ' +
        'first, in base64.',
      resolve: ({ hashes }) => hashes.map(base64),
    }),
    envelope: t.field({
      type: 'JSONObject',
      description: 'Which event it is. Redaction and expiry do not remove it.',
      resolve: ({ envelope }) => ({ ...envelope }),
    }),
    commitment: t.string({
      description:
        'SHA-256 of the salt and the content, in base64. It stays when both are removed.',
      resolve: ({ commitment }) => base64(commitment),
    }),
    salt: t.string({
      nullable: true,
      description:
        'The salt: 32 random bytes, in base64. Null: they were removed with the content.',
      resolve: ({ salt }) => (salt === null ? null : base64(salt)),
    }),
    content: t.string({
      nullable: true,
      description:
        'The rest of the event as canonical JSON (RFC 8785), exactly the bytes that were ' +
        'hashed. Null: it was removed.',
      resolve: ({ content }, _args, { answer }) =>
        content === null || answer.holds(content.length) ? content : '',
    }),
    checkpoint: t.field({
      type: CheckpointRef,
      description: 'The checkpoint of this size.',
      resolve: ({ checkpoint }) => checkpoint,
    }),
  }),
});

const ConsistencyProofRef = builder.objectRef<ConsistencyProof>('ConsistencyProof').implement({
  description:
    'Proves that a log only grew from one size to another: its first events are the same.',
  fields: t => ({
    from: t.expose('from', { type: 'SafeInt', description: 'The smaller size.' }),
    to: t.expose('to', { type: 'SafeInt', description: 'The larger size.' }),
    hashes: t.stringList({
      description: 'The hashes of RFC 9162, section 2.1.4, in base64.',
      resolve: ({ hashes }) => hashes.map(base64),
    }),
  }),
});

builder.objectFields(WorkspaceRef, t => ({
  evidence: t.exposeBoolean('evidence', {
    description:
      'Whether a Merkle tree is kept over its log, so that later changes can be detected.',
  }),
  checkpoint: t.field({
    type: CheckpointRef,
    nullable: true,
    scope: 'EVENTS_READ',
    extensions: { cost: CHECKPOINT_COST },
    description:
      'The newest checkpoint, a second or two behind the newest event. Null without evidence, and ' +
      'until its tree has begun.',
    resolve: ({ id }, _args, { services }) => services.evidence.checkpoint(id),
  }),
}));

builder.objectField(EventRef, 'inclusionProof', t =>
  t.field({
    type: InclusionProofRef,
    nullable: true,
    scope: 'EVENTS_READ',
    extensions: { cost: PROOF_COST },
    description:
      'Proves that it is in the tree of its workspace. Null if the tree of this size does not have ' +
      'it, for instance a second after it was recorded, and without evidence.',
    args: {
      size: t.arg({
        type: 'SafeInt',
        description: 'The size of the tree. Default: that of the newest checkpoint.',
      }),
    },
    resolve: ({ workspaceId, position, recordedAt }, { size }, { loaders }) =>
      loaders.inclusionProof.load({ workspaceId, position, recordedAt, size: size ?? null }),
  }),
);

builder.queryField('consistencyProof', t =>
  t.field({
    type: ConsistencyProofRef,
    scope: 'EVENTS_READ',
    extensions: { cost: PROOF_COST },
    description:
      'Proves that the log of a workspace only grew between two sizes of its tree. NOT_FOUND ' +
      'without evidence.',
    args: {
      workspace: t.arg.string({ description: WORKSPACE_ARGUMENT }),
      from: t.arg({
        type: 'SafeInt',
        required: true,
        description: 'The smaller size, of a checkpoint that was kept. 1 or more.',
      }),
      to: t.arg({
        type: 'SafeInt',
        description: 'The larger size. Default: that of the newest checkpoint.',
      }),
    },
    resolve: async (_root, { workspace, from, to }, { access, services }) => {
      const { id } = await access(workspace, 'EVENTS_READ');
      return services.evidence.consistency(id, from, to ?? null);
    },
  }),
);
