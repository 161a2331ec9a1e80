import { expect, test } from 'vitest';
import {
  isSignedBy,
  readNote,
  readTreeHead,
  readVerifierKey,
  signingKeyOf,
  signNote,
  textOfTreeHead,
  verifierKeyOf,
  type SignedNote,
} from '../../../src/core/signed-note.ts';

/** The example of C2SP signed-note. */
const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
/** The example of C2SP tlog-checkpoint. */
const CHECKPOINT = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;

test('the example of C2SP signed-note is verified by its key', () => {
  const key = readVerifierKey(EXAMPLE_KEY)!;
  expect(verifierKeyOf(key.name, key.publicKey)).toBe(EXAMPLE_KEY);
  expect(isSignedBy(readNote(EXAMPLE)!, key)).toBe(true);
  const changed = readNote(EXAMPLE.replace('message', 'massage'));
  expect(isSignedBy(changed!, key)).toBe(false);
  expect(isSignedBy(readNote(EXAMPLE)!, { ...key, name: 'example.com/bar' })).toBe(false);
});

test('the example of C2SP tlog-checkpoint is read and written', () => {
  const { text, signatures } = readNote(CHECKPOINT)!;
  const head = readTreeHead(text)!;
  expect(head).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
  expect(textOfTreeHead(head)).toBe(text);
  expect(signatures[0]!.keyId.toString('hex')).toBe('033de0ae');
});

test('what is no note, no checkpoint and no key is told from them', () => {
  expect([EXAMPLE.trim(), 'a\n\nb\n', '', 'a\n'].map(readNote)).toEqual([null, null, null, null]);
  const heads = ['a\n1\n', 'a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n', '\n1\nx\n'];
  expect(heads.map(readTreeHead)).toEqual([null, null, null]);
  const keys = ['', 'x', EXAMPLE_KEY.replace('530d', '530e'), EXAMPLE_KEY.replace('+Ae', '+Be')];
  expect(keys.map(readVerifierKey)).toEqual([null, null, null, null]);
});

test('a note is signed by its key alone, and bears the signatures of witnesses', () => {
  const [key, other] = [1, 2].map(seed => signingKeyOf(Buffer.alloc(32, seed)));
  const head = { origin: 'sluice/acme/1', size: 3, root: Buffer.alloc(32, 7) };
  const note = signNote(textOfTreeHead(head), head.origin, key!);
  const witnessed = `${note}${EXAMPLE.split('\n\n')[1]}`;
  const verifier = { name: head.origin, publicKey: key!.publicKey };
  for (const each of [note, witnessed]) {
    const read = readNote(each) as SignedNote;
    expect(isSignedBy(read, verifier)).toBe(true);
    expect(isSignedBy(read, { ...verifier, publicKey: other!.publicKey })).toBe(false);
    expect(readTreeHead(read.text)).toEqual(head);
  }
});
